namespace FedIoT.Ledger;

/// <summary>Named maxima of the state machine; docs/spec/round.md states them with their reasons.</summary>
public static class LedgerLimits
{
    /// <summary>Most devices of a chain: Σx² of all of them fits in 64 bits (16,384 × 10^6 × 2^30 &lt; 2^64).</summary>
    public const int DevicesMax = 16_384;

    /// <summary>Most gateways of a chain.</summary>
    public const int GatewaysMax = 4_096;

    /// <summary>Most tasks of a chain.</summary>
    public const int TasksMax = 64;

    /// <summary>Most parameters of a model on the chain: one signed delta still fits into one transaction.</summary>
    public const int ParametersMax = 1_000_000;

    /// <summary>Most deltas of a round: sums of 16-bit weights × int8 over this many stay within 32 bits.</summary>
    public const int DeltasPerRoundMax = 1_024;

    /// <summary>Most delta bytes of a round (deltas × parameters): bounds memory and aggregation time.</summary>
    public const long DeltaBytesPerRoundMax = 1L << 26;

    /// <summary>How far ahead of an account's nonce the mempool accepts a transaction.</summary>
    public const ulong NoncesAheadMax = 256;

    /// <summary>Stake of a validator of genesis for each unit of its voting power.</summary>
    public const long GenesisStakePerPower = 1_000;

    /// <summary>Most validators at the same time, as consensus.</summary>
    public const int ValidatorsMax = 64;

    /// <summary>Most total power divided by the powers' greatest common divisor, as consensus.</summary>
    public const int ReducedPowerMax = 65_536;

    /// <summary>Standing votes of one validator on other accounts' power.</summary>
    public const int VotesPerValidatorMax = 8;

    /// <summary>Blocks that a vote counts for: eleven days of an idle chain.</summary>
    public const long VoteBlocksMax = 100_000;

    /// <summary>Changes of an account's node key: each leaves a record for ever. Weekly, that is 19 years.</summary>
    public const int RotationsMax = 1_000;

    /// <summary>
    /// Blocks after which an equivocation is not punished any more: eleven days of an idle chain. So long a retired key
    /// can still cost its account the stake, and no longer.
    /// </summary>
    public const long EvidenceBlocksMax = 100_000;

    /// <summary>How far above the last block evidence may be to wait in a mempool: peers are not at one height.
    /// </summary>
    public const long EvidenceHeightsAheadMax = 3;

    /// <summary>Gas that the transactions of one block may use together; about two seconds of one core.</summary>
    public const long BlockGasMax = 200_000_000;
}
