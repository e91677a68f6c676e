// SPDX-License-Identifier: MIT

internal import QuorumWatch

/// The options without a value that are asked for most, and the plan of a command line that has no others.
///
/// `vqwatch`, `vqwatch --check` and `vqwatch -fj` leave nothing to understand, and are run by monitoring systems on
/// every node every minute. ArgumentParser takes more time to find that out than a status takes in all, so it is not asked.
struct Flags {
    var follow = false
    var check = false
    var json = false
    var quiet = false
}

extension Flags {
    /// The flags of a command line; nil when there is anything else in it, or it makes no sense: that is for ``Command``.
    init?(_ arguments: some Sequence<String>) {
        for argument in arguments {
            switch argument {
            case "--follow": follow = true
            case "--check": check = true
            case "--json": json = true
            case "--quiet": quiet = true
            default: guard takeLetters(of: argument) else { return nil }
            }
        }
        if check && (follow || json) || json && quiet { return nil }
    }

    /// Takes one or more flags in one word, such as `-fj`; false when it is none.
    private mutating func takeLetters(of argument: String) -> Bool {
        var letters = argument.utf8[...]
        guard letters.popFirst() == UInt8(ascii: "-"), !letters.isEmpty else { return false }
        for letter in letters {
            switch UnicodeScalar(letter) {
            case "f": follow = true
            case "c": check = true
            case "j": json = true
            case "q": quiet = true
            default: return false
            }
        }
        return true
    }

    /// What they ask for, with the defaults of everything else, and text in the form given.
    func plan(text: OutputFormat) -> WatchPlan {
        var plan = WatchPlan()
        plan.follows = follow
        plan.check = check ? CheckFormat(warnMargin: nil) : nil
        plan.timeout = follow ? nil : .seconds(10)
        plan.refresh = follow ? .seconds(5) : nil
        plan.reconnects = follow
        plan.format = quiet ? .quiet : json ? .json : text
        return plan
    }
}
