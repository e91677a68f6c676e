// SPDX-License-Identifier: MIT

internal import Corosync

protocol AboutNode {
    var id: NodeID { get }
}

extension Node: AboutNode {}
extension ConfiguredNode: AboutNode {}
extension NodeInfo: AboutNode {}
extension VoteQuorum.Notification.ListedNode: AboutNode {}

/// Lists sorted by node ID. The initializer is fastest if the elements are sorted already, as they usually are.
extension Array where Element: AboutNode {
    /// Sorts elements by node ID. Of several elements with one ID, the first is kept.
    init(byNode elements: [Element]) {
        self = []
        reserveCapacity(elements.count)
        for element in elements {
            let place = place(of: element.id)
            if !place.isTaken { insert(element, at: place.index) }
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
