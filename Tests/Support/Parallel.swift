// SPDX-License-Identifier: MIT

internal import Glibc
internal import Synchronization

/// Calls a function for many items in threads of its own, which may block without delaying other tests.
///
/// - Parameters:
///   - items: The items.
///   - workers: The largest number of threads.
///   - body: The function to call for each item.
/// - Returns: The results, in the order of the items.
public func inParallel<Item: Sendable, Result: Sendable>(
    _ items: [Item], by workers: Int, _ body: @escaping @Sendable (Item) -> Result
) -> [Result] {
    let work = Work(items: items, body: body)
    let threads = (0..<min(workers, items.count)).map { _ in
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Body { work.run() }).toOpaque()
        let status = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context)
        precondition(status == 0, "no thread")
        return thread
    }
    for thread in threads { pthread_join(thread, nil) }
    return work.results.withLock { results in items.indices.compactMap { results[$0] } }
}

private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private final class Work<Item: Sendable, Result: Sendable>: Sendable {
    let results: Mutex<[Int: Result]> = Mutex([:])
    private let next = Atomic(0)
    private let items: [Item]
    private let body: @Sendable (Item) -> Result

    init(items: [Item], body: @escaping @Sendable (Item) -> Result) { (self.items, self.body) = (items, body) }

    func run() {
        while case let index = next.add(1, ordering: .relaxed).oldValue, index < items.count {
            let result = body(items[index])
            results.withLock { $0[index] = result }
        }
    }
}
