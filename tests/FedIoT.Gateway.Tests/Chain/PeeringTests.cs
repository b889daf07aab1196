using System.Net;
using System.Net.Sockets;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Gateway.Tests.Audit;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>Compact proposals, addresses from peers, bans and budgets.</summary>
public sealed class PeeringTests : IDisposable
{
    private readonly CancellationTokenSource deadline = new(TimeSpan.FromSeconds(120));

    private CancellationToken Soon => deadline.Token;

    public void Dispose() => deadline.Dispose();

    [Theory]
    [InlineData(17, 1_000)]
    [InlineData(300, 300)]
    [InlineData(4, 70_000)]
    [InlineData(16_384, 70)]
    public void CompactProposal_WithItsTransactions_GivesTheSameBytesAsTheWholeBlock(int transactions, int bytes)
    {
        using var signer = new TestSigner(1);
        SignedProposal whole = FrameFuzzTests.Proposal(signer, transactions, bytes);
        CompactProposal compact = Assert.IsType<CompactProposal>(CompactProposal.From(whole));
        byte[] encoded = compact.Encode();
        Assert.InRange(encoded.Length, 0, 500 + (transactions * 32));
        CompactProposal read = Assert.IsType<CompactProposal>(CompactProposal.Decode(encoded));
        Block block = Assert.IsType<Block>(read.Assemble(whole.Block.Transactions));
        Assert.Equal(whole.Block.Hash, block.Hash);
        Assert.True(whole.Block.Encoded.Span.SequenceEqual(block.Encoded.Span));
        Assert.Null(read.Assemble([.. whole.Block.Transactions.Reverse()]));
    }

    [Fact]
    public void CompactProposal_OfSmallBlocksTinyOrRepeatedTransactions_IsNotUsed()
    {
        using var signer = new TestSigner(1);
        Assert.Null(CompactProposal.From(FrameFuzzTests.Proposal(signer, 2, 1_000)));
        Assert.Null(CompactProposal.From(FrameFuzzTests.Proposal(signer, 5_000, 8)));
        SignedProposal once = FrameFuzzTests.Proposal(signer, 2, 20_000);
        ReadOnlyMemory<byte> transaction = once.Block.Transactions[0];
        Block twice = Block.Create(once.Block.Header, [transaction, transaction], null);
        Assert.Null(CompactProposal.From(once with { Block = twice }));
    }

    [Fact]
    public async Task FourNodes_WithLargeTransactions_FinaliseThemWithoutSendingThemTwice()
    {
        await using ChainCluster cluster = await ChainCluster.StartPatientAsync(Soon);
        await ChainCluster.WaitUntilAsync(() => cluster.Alive.All(n => n.ConnectedPeers == 3), Soon);

        const int Count = 60;
        const int Bytes = 100_000;
        for (int i = 0; i < Count; i++)
        {
            var transaction = new byte[Bytes];
            BitConverter.TryWriteBytes(transaction.AsSpan(1), i);
            Assert.Null(await cluster.Nodes[i % 4]!.SubmitAsync(transaction));
        }

        await cluster.WaitForCountAsync(Count, Soon);
        await cluster.AssertOneStateAsync(Soon);
        double sent = cluster.Alive.Sum(n => n.BytesSent) / (double)(Count * Bytes);
        Assert.InRange(sent, 0, 4.5); // three copies by gossip, and what was asked for; whole proposals made it six
    }

    [Fact]
    public async Task Node_ThatMissedManyLargeBlocks_CatchesUpOverSeveralRequests()
    {
        // A slow machine takes its time for 8 MiB; it must not ask a second peer for them meanwhile.
        await using ChainCluster cluster = await ChainCluster.StartAsync(
            4, absent: 3, new PeerLimits(), Soon, stallMs: 10_000);
        const int Count = 24; // of 1 MiB less a few bytes: three answers of 8 MiB
        for (int i = 0; i < Count; i++)
        {
            var transaction = new byte[(1 << 20) - i];
            Assert.Null(await cluster.Nodes[i % 3]!.SubmitAsync(transaction));
            await cluster.WaitForCountAsync(i + 1, Soon);
        }

        await cluster.StartNodeAsync(3, Soon);
        await cluster.WaitForCountAsync(Count, Soon);
        await cluster.AssertOneStateAsync(Soon);
        Assert.InRange(cluster.Nodes[3]!.BytesReceived, Count << 20, (Count << 20) * 3L / 2); // each block once
    }

    [Fact]
    public async Task Peers_OfWhichEachKnowsOnlyOne_FindAllOthers()
    {
        await using var cluster = new ExchangeCluster(4);
        await cluster.StartAsync(Soon);
        await ChainCluster.WaitUntilAsync(() => cluster.Nodes.All(n => n.ConnectedPeers == 3), Soon);
    }

    [Fact]
    public async Task Peer_WhoseSocketCannotBeMade_IsDialledAgain()
    {
        // The second node knows nobody, so only the first one can find the other.
        await using var cluster = new ExchangeCluster(2);
        await cluster.StartAsync(_ => { }, Soon);
        cluster.Nodes[0].ConnectPeers(new Dictionary<AccountId, IPEndPoint>
        {
            [cluster.Nodes[1].Account] = new EndPointWithoutSockets(cluster.Nodes[1].ListenEndPoint),
        });
        await ChainCluster.WaitUntilAsync(() => cluster.Nodes[0].ConnectedPeers == 1, Soon);

        Assert.True(cluster.Nodes[0].DisconnectCount(DisconnectReason.Unreachable) >= 2);
    }

    [Fact]
    public void AddressBook_OlderAddress_DoesNotReplaceANewerOne()
    {
        using var signer = new TestSigner(1);
        var book = new PeerAddressBook();
        PeerAddress older = PeerAddress.Create("c", signer, 5, new IPEndPoint(IPAddress.Loopback, 1));
        PeerAddress newer = PeerAddress.Create("c", signer, 6, new IPEndPoint(IPAddress.Loopback, 2));
        Assert.True(book.TryTell(newer));
        Assert.False(book.TryTell(older));
        Assert.False(book.TryTell(newer));
        Assert.Equal(2, book.Find(newer.Account, 0)!.Port);
        book.Configure(newer.Account, new IPEndPoint(IPAddress.Loopback, 3));
        Assert.Equal(3, book.Find(newer.Account, 0)!.Port);
        Assert.Equal(2, book.Find(newer.Account, 1)!.Port);
        Assert.True(newer.Verify("c", signer.PublicKey));
        Assert.False(newer.Verify("d", signer.PublicKey));
        Assert.False(
            (newer with { EndPoint = new IPEndPoint(IPAddress.Loopback, 4) }).Verify("c", signer.PublicKey));
    }

    [Fact]
    public void Bans_GrowWithOffencesAndEnd()
    {
        var time = new ManualTime();
        var bans = new PeerBans(new PeerLimits(), seed: 1, time);
        using var signer = new TestSigner(1);
        AccountId account = signer.PublicKey.Account;
        Assert.Equal(TimeSpan.Zero, bans.RemainingOf(account));
        var lengths = new List<double>();
        for (int i = 0; i < 12; i++)
        {
            bans.Punish(account);
            lengths.Add(bans.RemainingOf(account).TotalSeconds);
            time.Advance(bans.RemainingOf(account));
            Assert.Equal(TimeSpan.Zero, bans.RemainingOf(account));
        }

        Assert.InRange(lengths[0], 0.5, 1.5);
        Assert.InRange(lengths[5], 16, 48);
        Assert.Equal(300, lengths[11]);
        time.Advance(TimeSpan.FromMinutes(11));
        bans.Punish(account);
        Assert.InRange(bans.RemainingOf(account).TotalSeconds, 0.5, 1.5); // forgotten

        var address = IPAddress.Parse("2001:db8::1");
        for (int i = 0; i < 8; i++)
        {
            bans.Punish(address);
            Assert.Equal(TimeSpan.Zero, bans.RemainingOf(address));
        }

        bans.Punish(IPAddress.Parse("2001:db8::2"));
        Assert.NotEqual(TimeSpan.Zero, bans.RemainingOf(address)); // one subscriber, one network
        for (int i = 0; i < 10_000; i++)
        {
            bans.Punish(new IPAddress(i)); // bounded, and still right
        }
    }

    [Fact]
    public void BannedAddress_OfWhoBecomesAMember_IsForgivenHoweverManyStrangersCalledBefore()
    {
        var bans = new PeerBans(new PeerLimits { OffencesForgiven = 0 }, seed: 1, new ManualTime());
        AccountId[] accounts = [.. Enumerable.Range(0, 1_000).Select(AccountOf)];
        for (int i = 0; i < accounts.Length; i++)
        {
            bans.Punish(new IPAddress(1 + i));
            bans.Remember(new IPAddress(1 + i), accounts[i]);
        }

        bans.Forgive(a => a == accounts[^1]);
        Assert.Equal(TimeSpan.Zero, bans.RemainingOf(new IPAddress(accounts.Length)));
        Assert.NotEqual(TimeSpan.Zero, bans.RemainingOf(new IPAddress(1)));

        foreach (AccountId other in accounts[1..6]) // five more names at the first address: the first is forgotten
        {
            bans.Remember(new IPAddress(1), other);
        }

        bans.Forgive(a => a == accounts[0]);
        Assert.NotEqual(TimeSpan.Zero, bans.RemainingOf(new IPAddress(1)));
        bans.Forgive(a => a == accounts[5]);
        Assert.Equal(TimeSpan.Zero, bans.RemainingOf(new IPAddress(1)));
    }

    [Fact]
    public void TokenBucket_RefillsEvenlyUpToItsCapacity()
    {
        var time = new ManualTime();
        var bucket = new TokenBucket(capacity: 10, perSecond: 5, time);
        Assert.True(bucket.TryTake(10));
        Assert.False(bucket.TryTake(1));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(bucket.TryTake(5));
        Assert.Equal(TimeSpan.FromSeconds(2), bucket.Take(10));
        time.Advance(TimeSpan.FromHours(1));
        Assert.True(bucket.TryTake(10));
        Assert.False(bucket.TryTake(1));
    }

    [Fact]
    public void TokenBucket_OnCredit_GivesTheLastOneWholeAndThenNothingUntilItIsPaid()
    {
        var time = new ManualTime();
        var bucket = new TokenBucket(capacity: 10, perSecond: 5, time);
        Assert.True(bucket.TryTakeOnCredit(9));
        Assert.True(bucket.HasSome);
        Assert.True(bucket.TryTakeOnCredit(11)); // ten more than there was
        Assert.False(bucket.HasSome);
        Assert.False(bucket.TryTakeOnCredit(1));
        time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(bucket.TryTakeOnCredit(1));
        time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(bucket.TryTakeOnCredit(1));
    }

    [Fact]
    public void BlockRequest_OfAPeerThatTakesNothing_ReadsNothing()
    {
        using var folder = new TemporaryFolder();
        using var fixture = new AuditFixture();
        using ScriptedChain chain = fixture.Start("served");
        chain.Append();
        chain.Dispose();
        using BlockStore store = BlockStore.Open(chain.BlocksFolder);
        var options = new ChainNodeOptions
        {
            ChainId = ScriptedChain.ChainId,
            StateDirectory = folder.Path,
            Listen = new IPEndPoint(0, 0),
            Validators = [.. chain.Genesis.Validators.Select(v => new Validator(v.Key, v.Power))],
        };
        var verified = new VerifiedSignatures();
        var application = new CounterApplication([]);
        var border = new ChainNodeBorder(
            options, new BlockExecutor(options, application, store, verified, TimeProvider.System), store, verified,
            new SnapshotServer(store, snapshots: null), () => false);
        ReadOnlyMemory<byte> request = PeerMessages.BlockRequest(new Height(1)).Payload;
        bool mayServe = true;
        var sent = new List<FrameType>();
        Assert.Equal(DisconnectReason.None, border.ServeBlocks(request, () => mayServe, Send, out int served));
        Assert.Equal(1, served);
        Assert.Equal([FrameType.BlockResponse, FrameType.BlocksEnd], sent);

        mayServe = false;
        store.Dispose(); // reading would throw
        Assert.Equal(DisconnectReason.None, border.ServeBlocks(request, () => mayServe, Send, out served));
        Assert.Equal((0, 2), (served, sent.Count));

        var queue = new OutgoingQueue();
        int frames = 0;
        while (queue.HasRoom(FrameLane.Blocks))
        {
            Assert.True(queue.TryEnqueue(new Frame(FrameType.BlockResponse, new byte[4 << 20])));
            frames++;
        }

        Assert.Equal(3, frames);

        bool Send(Frame frame)
        {
            sent.Add(frame.Type);
            return true;
        }
    }

    /// <summary>The system refuses the first two sockets: no descriptor is left, or its kernel has no IPv6.</summary>
    private sealed class EndPointWithoutSockets(IPEndPoint real) : IPEndPoint(real.Address, real.Port)
    {
        private int refusals = 2;

        public override AddressFamily AddressFamily =>
            Interlocked.Decrement(ref refusals) >= 0 ? AddressFamily.AppleTalk : base.AddressFamily;
    }

    private static AccountId AccountOf(int number)
    {
        var bytes = new byte[Hash256.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return new AccountId(new Hash256(bytes));
    }
}
