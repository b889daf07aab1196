using FedIoT.Gateway.Chain;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Demo;

/// <summary>Adds up the transaction bytes of every round. One thread.</summary>
internal sealed class RoundTraffic
{
    private readonly Dictionary<int, long> bytes = [];

    /// <summary>Counts a block's commitments and reveals.</summary>
    public void Add(CommittedBlock block)
    {
        foreach (ReadOnlyMemory<byte> transaction in block.Transactions)
        {
            if (TransactionCodec.TryDecode(transaction, out Transaction? decoded)
                && RoundOf(decoded!.Body) is { } round)
            {
                bytes[round] = BytesOf(round) + transaction.Length;
            }
        }
    }

    /// <summary>Bytes of a round so far.</summary>
    public long BytesOf(int round) => bytes.GetValueOrDefault(round);

    private static int? RoundOf(TransactionBody body) => body switch
    {
        CommitDeltas commit => commit.Round,
        RevealDeltas reveal => reveal.Round,
        _ => null,
    };
}
