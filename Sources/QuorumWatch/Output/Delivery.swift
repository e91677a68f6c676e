// SPDX-License-Identifier: MIT

/// What an output receives.
enum Delivery: Sendable {
    /// An event to show.
    case event(Event)
    /// The first state, with which later ones are compared, if its event is not shown.
    case firstState(ClusterState)
    /// The watch ends without a status, for this reason.
    case noStatus(reason: String)

    /// The approximate memory in bytes.
    var footprint: Int {
        switch self {
        case .event(let event): event.footprint
        case .firstState(let state): state.footprint
        case .noStatus(let reason): reason.utf8.count
        }
    }
}

/// Selects the events that the outputs receive. Pure.
struct EventFilter: Sendable {
    /// The kinds of events to show.
    let kinds: Set<EventKind>
    /// Whether to show the status at the start.
    let showsFirstStatus: Bool
    private var hasState = false

    init(kinds: Set<EventKind> = Set(EventKind.allCases), showsFirstStatus: Bool = true) {
        self.kinds = kinds
        self.showsFirstStatus = showsFirstStatus
    }

    /// What the outputs receive of an event; nil: nothing.
    mutating func delivery(of event: Event) -> Delivery? {
        let firstState = !hasState && (event.kind == .status || event.kind == .info) ? event.state : nil
        if !hasState, let state = event.state {
            // A first state that is not shown is complete when it is known whether the cluster is quorate.
            hasState = showsFirstStatus || firstState == nil || state.quorate != nil
        }
        if kinds.contains(event.kind), showsFirstStatus || firstState == nil { return .event(event) }
        return firstState.map(Delivery.firstState)
    }
}

/// An event with what changed since the last state that the output received.
typealias EventItem = (event: Event, changes: [Change])

extension ChangeTracker {
    /// Records that the output receives an event, and returns it with its changes; nil for an `info` event without
    /// changes, which is not shown.
    mutating func item(for event: Event) -> EventItem? {
        let changes = changes(in: event)
        if case .info = event.body, let changes, !changes.contains(where: \.causesEvent) { return nil }
        return (event, changes ?? [])
    }

    /// What an output shows of the next element of its outbox; nil: nothing.
    mutating func item(for next: Outbox<Delivery>.Next) -> EventItem? {
        switch next {
        case .element(.event(let event)): return item(for: event)
        case .element(.firstState(let state)): begin(with: state)
        case .dropped(let count, .event(let last)):
            var marker = last
            marker.body = .dropped(count: count)
            return item(for: marker)
        case .element(.noStatus), .dropped, .end: break
        }
        return nil
    }
}

extension Outbox<Delivery> {
    /// The bounds of the outboxes for events.
    static var eventLimits: Limits { Limits(count: 100_000, bytes: 64 << 20) }

    /// An outbox for events.
    convenience init(limits: Limits = eventLimits) throws(SystemError) {
        try self.init(limits: limits) { $0.footprint }
    }
}
