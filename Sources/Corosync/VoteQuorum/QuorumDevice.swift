// SPDX-License-Identifier: MIT

internal import CCorosync

extension VoteQuorum {
    /// Registers a quorum device on the local node, under a name of 1 to 254 bytes and without a NUL
    /// (votequorum_qdevice_register(3)).
    ///
    /// It then has to call ``pollQuorumDevice(_:castsVote:in:)`` again and again: votequorum takes a device for dead
    /// that does not do so within `quorum.device.timeout` (10 s). It is no error if it is registered under the same
    /// name.
    ///
    /// Throws `CS_ERR_INVALID_PARAM` for an illegal name, `CS_ERR_EXIST` when a device has registered under another
    /// name, and `CS_ERR_ACCESS` when corosync.conf allows no quorum device.
    public func registerQuorumDevice(_ name: String) throws(CorosyncError) {
        try refuseNUL(in: name, .votequorumQdeviceRegister)
        try interrupter.check(.votequorumQdeviceRegister, votequorum_qdevice_register(handle, name))
    }

    /// Ends the registration of the quorum device of the local node (votequorum_qdevice_unregister(3)).
    ///
    /// Throws `CS_ERR_INVALID_PARAM` when it is registered under another name, `CS_ERR_NOT_EXIST` when none is.
    public func unregisterQuorumDevice(_ name: String) throws(CorosyncError) {
        try refuseNUL(in: name, .votequorumQdeviceUnregister)
        try interrupter.check(.votequorumQdeviceUnregister, votequorum_qdevice_unregister(handle, name))
    }

    /// Changes the name of the quorum device in the whole cluster (votequorum_qdevice_update(3)).
    ///
    /// Throws `CS_ERR_INVALID_PARAM` for an illegal name or when it is registered under another one than `oldName`,
    /// `CS_ERR_NOT_EXIST` when none is registered.
    public func renameQuorumDevice(_ oldName: String, to newName: String) throws(CorosyncError) {
        try refuseNUL(in: oldName, .votequorumQdeviceUpdate)
        try refuseNUL(in: newName, .votequorumQdeviceUpdate)
        try interrupter.check(.votequorumQdeviceUpdate, votequorum_qdevice_update(handle, oldName, newName))
    }

    /// Tells votequorum that the quorum device of the local node is alive, and whether it gives its votes to this
    /// partition (votequorum_qdevice_poll(3)). `ring` is that of the last nodelist notification.
    ///
    /// Throws `CS_ERR_MESSAGE_ERROR` when the ring is not the present one, `CS_ERR_INVALID_PARAM` when it is registered
    /// under another name, `CS_ERR_NOT_EXIST` when none is, and `CS_ERR_ACCESS` when corosync.conf allows no quorum
    /// device.
    public func pollQuorumDevice(_ name: String, castsVote: Bool, in ring: RingID) throws(CorosyncError) {
        try refuseNUL(in: name, .votequorumQdevicePoll)
        try interrupter.check(
            .votequorumQdevicePoll, votequorum_qdevice_poll(handle, name, castsVote ? 1 : 0, ring.cValue))
    }

    /// Sets whether a partition with a node whose quorum device casts its vote is quorate, however few votes it has
    /// (votequorum_qdevice_master_wins(3)). It is not at first.
    ///
    /// Throws `CS_ERR_INVALID_PARAM` when it is registered under another name, `CS_ERR_NOT_EXIST` when none is, and
    /// `CS_ERR_ACCESS` when corosync.conf allows no quorum device.
    public func setMasterWins(_ allowed: Bool, quorumDevice name: String) throws(CorosyncError) {
        try refuseNUL(in: name, .votequorumQdeviceMasterWins)
        try interrupter.check(
            .votequorumQdeviceMasterWins, votequorum_qdevice_master_wins(handle, name, allowed ? 1 : 0))
    }
}
