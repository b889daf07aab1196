namespace FedIoT.Consensus.Tests.Simulation;

/// <summary>What goes wrong in a run, until the network heals.</summary>
internal sealed record Faults
{
    public int Validators { get; init; } = 4;

    /// <summary>Validators, from the first on, that misbehave for the whole run.</summary>
    public int ByzantineCount { get; init; }

    public Byzantine Byzantine { get; init; }

    /// <summary>Messages lost, in a thousand.</summary>
    public int LossPerMille { get; init; }

    public int DuplicatesPerMille { get; init; }

    /// <summary>Longest delay of a message before the network heals; afterwards 50 ms.</summary>
    public int DelayMsMax { get; init; } = 50;

    public bool Partitions { get; init; }

    public bool Crashes { get; init; }

    /// <summary>Longest time that a signature takes.</summary>
    public int SignMsMax { get; init; } = 5;

    /// <summary>When the faults end.</summary>
    public long HealsAtMs { get; init; } = 8_000;
}
