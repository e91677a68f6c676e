// SPDX-License-Identifier: MIT

/// The version of vqwatch. The package, the manual and the changelog take theirs from here.
let version = "0.1.0"
