// SPDX-License-Identifier: MIT

/// The version of vqwatch. The versions of the package, the manual and the changelog are taken from here.
let version = "0.3.0"
