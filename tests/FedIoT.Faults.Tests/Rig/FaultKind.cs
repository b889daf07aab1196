namespace FedIoT.Faults.Tests.Rig;

/// <summary>What happens to a node for a while.</summary>
internal enum FaultKind
{
    /// <summary>SIGKILL, and started again later.</summary>
    Kill,

    /// <summary>SIGSTOP, and SIGCONT later.</summary>
    Pause,

    /// <summary>Nothing gets in or out.</summary>
    Partition,

    /// <summary>Nothing gets in; what it says is heard.</summary>
    Deaf,

    /// <summary>Nothing gets out; it hears everything.</summary>
    Mute,

    /// <summary>Delay, jitter and loss on all of its links.</summary>
    BadLinks,
}
