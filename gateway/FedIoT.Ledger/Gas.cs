using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>
/// What a transaction costs, known before it is executed. One unit is about 10 ns of one core of a small machine;
/// see docs/spec/round.md.
/// </summary>
public static class Gas
{
    /// <summary>Bookkeeping of any transaction.</summary>
    public const long Base = 2_000;

    /// <summary>One signature verification.</summary>
    public const long Signature = 20_000;

    /// <summary>One byte of the transaction.</summary>
    public const long TransactionByte = 1;

    /// <summary>One byte of a signed delta: its checks and its part of the aggregation and scoring.</summary>
    public const long DeltaByte = 4;

    /// <summary>One sum of a statistics submission.</summary>
    public const long StatisticsNumber = 50;

    /// <summary>Creating a task: its initial weights.</summary>
    public const long TaskCreation = 10_000_000;

    /// <summary>Cost of a transaction.</summary>
    public static long Of(Transaction transaction)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        long gas = Base + Signature + (TransactionByte * transaction.Bytes.Length);
        switch (transaction.Body)
        {
            case CreateTask:
                return gas + TaskCreation;
            case SubmitStatistics statistics:
                foreach (DeviceStatistics device in statistics.Devices)
                {
                    gas += StatisticsNumber * ((long)device.Sums.Count + device.SquareSums.Count);
                }

                return gas;
            case RotateNodeKey:
                return gas + Signature;
            case RevealDeltas reveal:
                foreach (ReadOnlyMemory<byte> delta in reveal.SignedDeltas)
                {
                    gas += Signature + (DeltaByte * delta.Length);
                }

                return gas;
            default:
                return gas;
        }
    }
}
