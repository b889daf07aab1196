using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Operate;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>What <c>fediot chain tx</c> finds, also after a restart.</summary>
public sealed class TransactionIndexTests
{
    [Fact]
    public void Fill_AfterAStart_FindsWhatEarlierProcessesCommitted()
    {
        var index = new TransactionIndex();
        index.Add(Committed(3, "refused", 30));
        index.Fill(new Height(3), h => Stored(h.Value, 1), TestContext.Current.CancellationToken);
        Assert.Equal((3L, "refused"), Find(index, 30));
        Assert.Equal((2L, TransactionIndex.UnknownResult), Find(index, 20));
        Assert.Equal((1L, TransactionIndex.UnknownResult), Find(index, 10));
        Assert.Null(index.Find(Hash256.Of(Bytes(99))));
    }

    [Fact]
    public void Fill_OfAPrunedChainOrBeyondTheMost_Ends_AndNewOnesReplaceTheOldest()
    {
        var index = new TransactionIndex();
        index.Fill(new Height(9), h => h.Value < 7 ? null : Stored(h.Value, 1), TestContext.Current.CancellationToken);
        Assert.Null(index.Find(Hash256.Of(Bytes(60))));
        const int Block = 16_384;
        index.Fill(new Height(20), h => Stored(h.Value + 100, Block), TestContext.Current.CancellationToken);
        Assert.Equal((20L, TransactionIndex.UnknownResult), Find(index, 1_200));
        index.Add(Committed(130, null, 1_300));
        Assert.Equal((130L, null), Find(index, 1_300));
        Assert.Equal((20L, TransactionIndex.UnknownResult), Find(index, 1_200)); // the oldest made room
    }

    [Fact]
    public void FindByPrefix_GivesAllThatBeginSo()
    {
        var index = new TransactionIndex();
        for (int i = 0; i < 300; i++)
        {
            index.Add(Committed(i + 1, null, i));
        }

        var hash = Hash256.Of(Bytes(7));
        Assert.Equal([hash], index.FindByPrefix(hash.ToString()));
        Assert.Equal([hash], index.FindByPrefix(hash.ToString().ToUpperInvariant()[..12]));
        Assert.True(index.FindByPrefix(hash.ToString()[..1]).Count > 1);
        Assert.Empty(index.FindByPrefix(Hash256.Of(Bytes(999)).ToString()[..12]));
    }

    private static (long Height, string? Rejection)? Find(TransactionIndex index, int number) =>
        index.Find(Hash256.Of(Bytes(number))) is { } entry ? (entry.Height.Value, entry.Rejection) : null;

    private static byte[] Bytes(int number) => BitConverter.GetBytes(number);

    private static CommittedBlock Committed(long height, string? rejection, int number) => new(
        new Height(height), 0, default, default, [Bytes(number)], [rejection], default, IsReplayed: true);

    // Its first transaction is ten times the height.
    private static Block Stored(long height, int transactions)
    {
        var header = new BlockHeader(
            "c", new Height(height), 1, default, default, default, Hash256.Of([1]), Hash256.Of([2]), Hash256.Of([2]),
            new AccountId(Hash256.Of([3])));
        return Block.Create(
            header,
            [
                .. Enumerable.Range(0, transactions).Select(i =>
                    (ReadOnlyMemory<byte>)Bytes(i == 0 ? (int)height * 10 : ((int)height << 16) + i)),
            ],
            null);
    }
}
