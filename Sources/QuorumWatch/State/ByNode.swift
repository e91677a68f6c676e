// SPDX-License-Identifier: MIT

internal import Corosync

protocol AboutNode {
    var id: NodeID { get }
}

extension Node: AboutNode {}
extension ConfiguredNode: AboutNode {}
extension NodeInfo: AboutNode {}
extension VoteQuorum.Notification.ListedNode: AboutNode {}

/// Lists sorted by node ID.
extension Array where Element: AboutNode {
    /// Sorts elements by node ID. Of several elements with one ID, the last is kept.
    init(byNode elements: [Element]) {
        self = elements
        // They usually are sorted already.
        if zip(elements, elements.dropFirst()).allSatisfy({ $0.id < $1.id }) { return }
        removeAll(keepingCapacity: true)
        for element in elements {
            let place = place(of: element.id)
            if place.isTaken { self[place.index] = element } else { insert(element, at: place.index) }
        }
    }

    func about(_ id: NodeID) -> Element? {
        let place = place(of: id)
        return place.isTaken ? self[place.index] : nil
    }

    /// The index of the element for a node, or the index at which it would have to be inserted.
    func place(of id: NodeID) -> (index: Int, isTaken: Bool) {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = (low + high) / 2
            if self[middle].id >= id { high = middle } else { low = middle + 1 }
        }
        return (low, low < count && self[low].id == id)
    }
}
