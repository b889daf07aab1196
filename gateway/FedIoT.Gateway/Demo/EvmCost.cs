namespace FedIoT.Gateway.Demo;

/// <summary>
/// Gas that a round's updates would cost as EVM transactions, by straight lines through two measured sizes.
/// </summary>
/// <remarks>
/// Measured on an EVM with Osaka rules (calldata at the EIP-7623 floor, P-256 by the EIP-7951 precompile):
/// verify and store a commitment 71,200 gas at 1,024 bytes and 423,200 at 10,000; verify and add the delta to the
/// model in contract storage 395,700 and 3,393,000. Between and beyond them the cost is linear in the bytes.
/// </remarks>
/// <param name="UpdateBytes">Weights of one delta, one byte each.</param>
/// <param name="UpdatesPerRound">Deltas of a round.</param>
/// <param name="CommitGasPerRound">Carry and verify every delta.</param>
/// <param name="AggregateGasPerRound">Also add every delta to the model on chain (plain sum, no robust rule).</param>
public sealed record EvmCost(int UpdateBytes, int UpdatesPerRound, long CommitGasPerRound, long AggregateGasPerRound)
{
    private const int SmallBytes = 1024;
    private const int LargeBytes = 10_000;

    /// <summary>Estimates a round.</summary>
    public static EvmCost ForRound(int updateBytes, int updates) => new(
        updateBytes,
        updates,
        updates * Line(updateBytes, 71_200, 423_200),
        updates * Line(updateBytes, 395_700, 3_393_000));

    private static long Line(int bytes, long small, long large) =>
        small + ((large - small) * (bytes - SmallBytes) / (LargeBytes - SmallBytes));
}
