namespace FedIoT.Consensus;

/// <summary>Every bound of the protocol, as in docs/spec/consensus.md §10; the same on all nodes.</summary>
public static class ConsensusLimits
{
    /// <summary>Version of blocks, votes and proposals.</summary>
    public const int ProtocolVersion = 1;

    /// <summary>Longest chain id, in characters of ASCII.</summary>
    public const int ChainIdLengthMax = 50;

    /// <summary>Most validators of a set: a full mesh of sockets and commits of n signatures.</summary>
    public const int ValidatorsMax = 64;

    /// <summary>Longest proposer schedule: total power divided by the powers' greatest common divisor.</summary>
    public const int ReducedPowerMax = 65_536;

    /// <summary>Sum of a block's transaction lengths, in bytes.</summary>
    public const int BlockTransactionBytesMax = 4 << 20;

    /// <summary>Most transactions of a block: bounds what small transactions cost beside their bytes.</summary>
    public const int BlockTransactionsMax = 16_384;

    /// <summary>Longest transaction, in bytes.</summary>
    public const int TransactionBytesMax = 1 << 20;

    /// <summary>Encoded block: transactions, 5 bytes of framing for each, header, commit of 64 signatures.
    /// </summary>
    public const int BlockBytesMax = BlockTransactionBytesMax + (BlockTransactionsMax * 5) + 8_192;

    /// <summary>Votes of rounds further ahead than this are not stored; only that their sender is there.</summary>
    public const int VoteRoundsAheadMax = 16;

    /// <summary>Proposals of rounds further ahead than this are dropped: each may hold a block.</summary>
    public const int ProposalRoundsAheadMax = 2;

    /// <summary>Past rounds whose blocks stay in memory, beside the locked and the valid block.</summary>
    public const int BlockRoundsBehindMax = 3;

    /// <summary>Votes of the next height that are kept for each validator until the height starts.</summary>
    public const int FutureVotesMax = 8;

    /// <summary>
    /// Different votes of one validator that are counted in one round and step when their block is unknown.
    /// An honest validator sends one.
    /// </summary>
    public const int ConflictingVotesMax = 4;

    /// <summary>
    /// Blocks that a light client may skip where the set changed: as long as an equivocation can be punished.
    /// </summary>
    public const long TrustingBlocks = 100_000;

    /// <summary>Highest round that is accepted from outside: far beyond what a chain lives through.</summary>
    public const int RoundMax = 1_000_000;
}
