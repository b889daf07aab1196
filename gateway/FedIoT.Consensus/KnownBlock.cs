namespace FedIoT.Consensus;

/// <summary>A block at hand, and what the shell said about it.</summary>
internal sealed class KnownBlock(Block block)
{
    public Block Block { get; } = block;

    /// <summary>Latest round that proposed it, for forgetting.</summary>
    public int LastRound { get; set; }

    public bool IsValidationRequested { get; set; }

    /// <summary>Null until the shell has answered.</summary>
    public BlockVerdict? Verdict { get; set; }

    /// <summary>valid(v) of the paper: the deterministic part of the verdict.</summary>
    public bool IsValid => Verdict is BlockVerdict.Valid or BlockVerdict.Untimely;
}
