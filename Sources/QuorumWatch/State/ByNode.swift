// SPDX-License-Identifier: MIT

internal import Corosync

/// What is said of one node.
protocol AboutNode {
    /// The node.
    var id: NodeID { get }
}

extension Node: AboutNode {}
extension ConfiguredNode: AboutNode {}
extension NodeInfo: AboutNode {}
extension VoteQuorumNotification.ListedNode: AboutNode {}

/// Lists in the order of the IDs of their nodes. Most come so, and are the faster for it.
extension Array where Element: AboutNode {
    /// The elements of a list in any order; of several about one node the first.
    init(byNode elements: [Element]) {
        self = []
        reserveCapacity(elements.count)
        for element in elements {
            let place = place(of: element.id)
            if !place.isTaken { insert(element, at: place.index) }
        }
    }

    /// The one about a node.
    func about(_ id: NodeID) -> Element? {
        let place = place(of: id)
        return place.isTaken ? self[place.index] : nil
    }

    /// Where the one about a node is, or belongs.
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
