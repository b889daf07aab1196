namespace FedIoT.Consensus;

/// <summary>What a timeout is for.</summary>
public enum TimeoutKind
{
    /// <summary>The height may start.</summary>
    MinimumInterval,

    /// <summary>The height starts although there is nothing to decide.</summary>
    Idle,

    /// <summary>No acceptable proposal came: prevote nil.</summary>
    Propose,

    /// <summary>No two thirds for one value came: precommit nil.</summary>
    Prevote,

    /// <summary>No decision came: next round.</summary>
    Precommit,
}
