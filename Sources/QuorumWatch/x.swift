import Corosync
