using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>One sender must not keep the others' transactions out of the mempool or out of the blocks.</summary>
public sealed class MempoolTests : IDisposable
{
    private const int BlockBytes = 1_000; // four or five of these tests' transactions

    private readonly TestSigner[] keys = [.. Enumerable.Range(0, 3).Select(i => new TestSigner(i))];
    private readonly LedgerApplication application;
    private readonly ManualTime time = new();

    public MempoolTests() => application = new LedgerApplication(new Genesis(
        ChainCluster.ChainId, [new GenesisValidator(keys[0].PublicKey, 1)], keys.Select(k => k.PublicKey),
        [keys[0].PublicKey]));

    public void Dispose() => Array.ForEach(keys, k => k.Dispose());

    [Fact]
    public void Oldest_ThatNeverCanBeChosen_MakeRoomForTheNext()
    {
        Mempool mempool = Make();
        for (ulong nonce = 2; nonce <= 40; nonce++) // the first one never comes
        {
            Assert.Null(mempool.TryAdd(Device(1, nonce), isLocal: false));
        }

        byte[] honest = Device(2, 1);
        Assert.Null(mempool.TryAdd(honest, isLocal: false));
        int proposals = 0;
        while (!Propose(mempool).Any(t => t.Span.SequenceEqual(honest)))
        {
            Assert.True(++proposals < 40, "an account's gap keeps everybody else's transactions out of the blocks");
        }
    }

    [Fact]
    public void HasReady_WhenOnlyAGapWaits_IsFalseUntilItIsFilled()
    {
        Mempool mempool = Make();
        Assert.False(mempool.HasReady);
        Assert.Null(mempool.TryAdd(Device(1, 2), isLocal: false));
        Assert.True(mempool.HasReady); // nobody has tried yet
        Assert.Empty(Propose(mempool));
        Assert.False(mempool.HasReady); // else the chain would make empty blocks as fast as it can
        Assert.Equal(1, mempool.Count);

        byte[] other = Device(2, 1);
        Decide(mempool, other);
        Assert.False(mempool.HasReady);
        byte[] missing = Device(1, 1);
        Decide(mempool, missing);
        Assert.True(mempool.HasReady);
        Assert.Single(Propose(mempool));
    }

    [Fact]
    public void TryAdd_ManyOfOneSender_LeavesRoomForOthers()
    {
        var options = Options with { MempoolBytesMax = 40_000 };
        var mempool = new Mempool(application, options, time);
        string? refusal = null;
        ulong nonce = 2;
        for (; refusal is null; nonce++)
        {
            refusal = mempool.TryAdd(Device(1, nonce), isLocal: false);
        }

        Assert.Equal("too much of this sender waits already", refusal);
        Assert.InRange(nonce, 50UL, 100UL); // a quarter of the bytes
        Assert.Null(mempool.TryAdd(Device(2, 1), isLocal: false));
    }

    private static ChainNodeOptions Options => new()
    {
        ChainId = ChainCluster.ChainId,
        StateDirectory = "none",
        Listen = new System.Net.IPEndPoint(0, 0),
        Validators = [],
    };

    private Mempool Make() => new(application, Options, time);

    private IReadOnlyList<ReadOnlyMemory<byte>> Propose(Mempool mempool)
    {
        IReadOnlyList<ReadOnlyMemory<byte>> chosen = application.PrepareProposal(
            application.Committed.Height.Next, mempool.Oldest(BlockBytes), BlockBytes);
        mempool.PassOver(chosen);
        return chosen;
    }

    private void Decide(Mempool mempool, params byte[][] transactions)
    {
        ReadOnlyMemory<byte>[] block = [.. transactions.Select(t => (ReadOnlyMemory<byte>)t)];
        application.FinalizeBlock(new Consensus.DecidedBlock(
            application.Committed.Height.Next, 1, keys[0].PublicKey.Account, block));
        application.Commit();
        mempool.Commit(block, known: null, new FinalityStatistics());
    }

    private byte[] Device(int key, ulong nonce)
    {
        byte[] payload = TransactionCodec.EncodePayload(
            ChainCluster.ChainId, nonce, new RegisterDevice(new DeviceId($"d-{key}-{nonce}")));
        var signature = new byte[VerifyingKey.SignatureLength];
        keys[key].Sign(CoseSign1.SignBytes(keys[key].PublicKey, TransactionCodec.Role, payload), signature);
        return CoseSign1.Assemble(keys[key].PublicKey, payload, signature);
    }
}
