// SPDX-License-Identifier: MIT

internal import Glibc

/// The file actions and attributes of posix_spawn(3) for a new process.
struct LaunchPlan: ~Copyable {
    private var actions = posix_spawn_file_actions_t()
    private var attributes = posix_spawnattr_t()
    /// The new process's ends of the pipes, closed in this process after the launch.
    private var theirEnds: [Int32] = []
    private var failure: String?

    init() {
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        // A test runner may ignore or block signals, which a new process would inherit.
        var all = sigset_t()
        var none = sigset_t()
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    }

    deinit {
        for end in theirEnds { close(end) }
        // Both functions take a mutable pointer although they only read.
        var actions = actions
        var attributes = attributes
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
    }

    /// Connects one of the standard descriptors.
    ///
    /// - Returns: This process's end if the stream is a pipe.
    mutating func connect(_ target: Int32, to stream: ChildProcess.Stream) -> Int32? {
        let isInput = target == 0
        switch stream {
        case .pipe:
            guard let (reading, writing) = makePipe() else {
                failure = "no pipe: \(String(cString: strerror(errno)))"
                return nil
            }
            let (theirs, ours) = isInput ? (reading, writing) : (writing, reading)
            posix_spawn_file_actions_adddup2(&actions, theirs, target)
            theirEnds.append(theirs)
            return ours
        case .null: open(target, "/dev/null", isInput)
        case .file(let path): open(target, path, isInput)
        case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, target)
        case .inherited: break
        case .closed: posix_spawn_file_actions_addclose(&actions, target)
        }
        return nil
    }

    private mutating func open(_ target: Int32, _ path: String, _ isInput: Bool) {
        let flags = isInput ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, target, path, flags, 0o600)
    }

    /// Starts the process.
    mutating func launch(
        _ arguments: [String], environment: [String: String?]
    ) -> Result<Int32, ChildProcess.LaunchError> {
        func failed(_ why: String) -> Result<Int32, ChildProcess.LaunchError> {
            .failure(.init(description: "\(arguments): \(why)"))
        }
        if let failure { return failed(failure) }
        guard let addCloseFrom else { return failed("the C library is too old") }
        guard let command = arguments.first else { return failed("no command") }
        // The process inherits only its standard descriptors, not what the tests and their runner have opened.
        _ = addCloseFrom(&actions, 3)
        var pid: Int32 = -1
        let status = withCStrings(arguments) { arguments in
            withCStrings(changedEnvironment(environment)) { environment in
                posix_spawnp(&pid, command, &actions, &attributes, arguments, environment)
            }
        }
        return status == 0 ? .success(pid) : failed(String(cString: strerror(status)))
    }
}

/// posix_spawn_file_actions_addclosefrom_np(3), which is not available in Swift.
private let addCloseFrom = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map {
    unsafeBitCast($0, to: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32).self)
}

/// The test's own environment with changes, as `NAME=VALUE`.
private func changedEnvironment(_ changes: [String: String?]) -> [String] {
    var result: [String] = []
    // Looked up by name, because Swift 6 does not allow access to the global variable.
    if let address = dlsym(nil, "environ"),
        var next = address.assumingMemoryBound(to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self).pointee
    {
        while let entry = next.pointee {
            let text = String(cString: entry)
            if changes[String(text.prefix { $0 != "=" })] == nil { result.append(text) }
            next += 1
        }
    }
    for case (let name, let value?) in changes { result.append("\(name)=\(value)") }
    return result
}

/// A pipe; nil if the system has no more of them.
func makePipe() -> (reading: Int32, writing: Int32)? {
    var ends: [Int32] = [-1, -1]
    return pipe(&ends) == 0 ? (ends[0], ends[1]) : nil
}

private func withCStrings<T>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> T
) -> T {
    let copies = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeBufferPointer { buffer in
        // The buffer is never empty, because it ends with nil.
        body(buffer.baseAddress!)
    }
}

/// Starts a thread that waits for the end of a process without reaping it.
///
/// - Returns: A descriptor that becomes readable when the process has ended, and the thread, to be joined.
func watchForExit(of processID: Int32) -> (event: Int32, watcher: pthread_t) {
    guard let (event, end) = makePipe() else {
        fatalError("no pipe: \(String(cString: strerror(errno)))")
    }
    let task = UnsafeMutablePointer<(pid: Int32, event: Int32)>.allocate(capacity: 1)
    task.initialize(to: (processID, end))
    var thread = pthread_t()
    let status = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            let task = argument.assumingMemoryBound(to: (pid: Int32, event: Int32).self)
            var information = siginfo_t()
            while waitid(P_PID, id_t(task.pointee.pid), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
            close(task.pointee.event)
            task.deallocate()
            return nil
        }, task)
    precondition(status == 0, "no thread: \(String(cString: strerror(status)))")
    return (event, thread)
}
