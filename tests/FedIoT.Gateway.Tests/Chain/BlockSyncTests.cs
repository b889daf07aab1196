using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Tests.Audit;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>Whom a node asks that is behind: peers that cannot help, or lie, must cost next to nothing.</summary>
public sealed class BlockSyncTests : IDisposable
{
    private static readonly AccountId[] Peers =
        [.. Enumerable.Range(0, 3).Select(i => new AccountId(Hash256.Of([(byte)i])))];

    private readonly TemporaryFolder folder = new();
    private readonly TestSigner[] keys = [.. Enumerable.Range(0, 4).Select(i => new TestSigner(i))];
    private readonly BlockStore store;
    private readonly Shell shell = new();
    private readonly BlockSync sync;

    public BlockSyncTests()
    {
        store = BlockStore.Open(folder.File("blocks"));
        var options = new ChainNodeOptions
        {
            ChainId = ChainCluster.ChainId,
            StateDirectory = folder.Path,
            Listen = new System.Net.IPEndPoint(0, 0),
            Validators = [.. keys.Select(k => new Validator(k.PublicKey, 1))],
        };
        var executor = new BlockExecutor(
            options, new CounterApplication([]), store, new VerifiedSignatures(), TimeProvider.System);
        sync = new BlockSync(executor, shell, NullLogger.Instance);
    }

    public void Dispose()
    {
        store.Dispose();
        Array.ForEach(keys, k => k.Dispose());
        folder.Dispose();
    }

    [Fact]
    public void Peer_ThatEndsEveryAnswerWithoutABlock_IsAskedOnceATick()
    {
        for (int i = 0; i < 100; i++) // each answer says again that it is far ahead
        {
            sync.OnStatus(Peers[0], new Height(1_000), endsBlocks: true);
        }

        Assert.Equal([Peers[0]], shell.Asked);
        sync.AskSomebodyAhead();
        sync.OnStatus(Peers[0], new Height(1_000), endsBlocks: true);
        Assert.Equal([Peers[0], Peers[0]], shell.Asked);
    }

    [Fact]
    public void Peer_ThatGaveBlocks_IsAskedForTheNextAtOnce()
    {
        sync.OnStatus(Peers[0], new Height(1_000), endsBlocks: false);
        sync.OnMoved();
        sync.OnStatus(Peers[1], new Height(1_000), endsBlocks: false); // one at a time
        Assert.Equal([Peers[0]], shell.Asked);
    }

    [Fact]
    public void State_WhenNobodyAheadHasTheNextBlock_SaysWhatToDo()
    {
        foreach (TestSigner key in keys[1..])
        {
            sync.OnStatus(key.PublicKey.Account, new Height(2), endsBlocks: false);
        }

        for (int i = 0; i < 3; i++)
        {
            Assert.Null(sync.State);
            sync.AskSomebodyAhead();
            sync.OnStatus(shell.Asked[^1], new Height(2), endsBlocks: true);
        }

        Assert.Equal(3, shell.Asked.Distinct().Count());
        Assert.Contains(
            "none of the 3 peers that are ahead has block 1 any more", sync.State, StringComparison.Ordinal);
        Assert.Contains("[chain] trusted = \"HEIGHT:HASH\"", sync.State, StringComparison.Ordinal);
        sync.OnMoved();
        Assert.Null(sync.State);
    }

    [Fact]
    public void State_OfOneLiarAmongOthers_AlarmsNobody()
    {
        sync.OnStatus(Peers[1], new Height(0), endsBlocks: false); // as far as this node
        sync.OnStatus(Peers[0], new Height(1_000), endsBlocks: false);
        sync.OnStatus(Peers[0], new Height(1_000), endsBlocks: true);
        sync.AskSomebodyAhead();
        Assert.Null(sync.State);
    }

    [Fact]
    public void Peer_ThatIsGone_IsForgotten()
    {
        sync.OnStatus(Peers[0], new Height(1_000), endsBlocks: false);
        shell.Gone = Peers[0];
        sync.AskSomebodyAhead();
        shell.Gone = null;
        sync.AskSomebodyAhead(); // it has not said again where it is
        Assert.Single(shell.Asked);
    }

    [Fact]
    public async Task Node_OffForLongerThanAllKeepBlocks_SaysSoAndIsNotBannedForAsking()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        CancellationToken soon = deadline.Token;
        using var fixture = new AuditFixture();
        ScriptedChain chain = fixture.Start("pruned", segmentBytes: 4_096);
        string late = fixture.File("late");
        while (chain.State.Height < new Height(40))
        {
            chain.Append();
        }

        SnapshotStore snapshots = SnapshotStore.Open(Path.Combine(chain.Folder, SnapshotStore.FolderName));
        snapshots.Write(chain.SnapshotAt(30));
        snapshots.Write(chain.SnapshotAt(35));
        Assert.True(chain.Prune(new Height(25)) > new Height(5));
        chain.Dispose();

        await using ChainNode keeper = await fixture.RunAsync(chain, chain.Folder, key: 0);
        await using ChainNode node = await fixture.RunAsync(chain, late, key: 1);
        var endPoints = new Dictionary<AccountId, System.Net.IPEndPoint>
        {
            [keeper.Account] = keeper.ListenEndPoint,
            [node.Account] = node.ListenEndPoint,
        };
        keeper.ConnectPeers(endPoints);
        node.ConnectPeers(endPoints);
        string? told = null;
        await ChainCluster.WaitUntilAsync(() => (told = node.SyncState) is not null, soon);
        Assert.Contains("has block 1 any more", told, StringComparison.Ordinal);
        long sent = node.BytesSent;
        long start = TimeProvider.System.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, soon); // the claim is about a time
        await ChainCluster.WaitUntilAsync(() => node.BytesSent > sent, soon); // it goes on asking
        long perSecond = (long)((node.BytesSent - sent) / TimeProvider.System.GetElapsedTime(start).TotalSeconds);
        Assert.InRange(perSecond, 0, 10_000);
        Assert.Equal(0, keeper.DisconnectCount(DisconnectReason.Flooding));
        Assert.Equal(1, keeper.ConnectedPeers);
    }

    private sealed class Shell : IChainNodeShell
    {
        public List<AccountId> Asked { get; } = [];

        public AccountId? Gone { get; set; }

        public int ConnectedPeers => 3;

        public bool Send(AccountId peer, in Frame frame)
        {
            Assert.Equal(FrameType.BlockRequest, frame.Type);
            if (peer == Gone)
            {
                return false;
            }

            Asked.Add(peer);
            return true;
        }

        public void Broadcast(in Frame frame) => throw new InvalidOperationException("Nothing to tell.");

        public void Disconnect(AccountId peer, DisconnectReason reason) =>
            throw new InvalidOperationException("Nobody is blamed.");

        public void Announce(SignedProposal proposal) => throw new InvalidOperationException("It does not vote.");

        public IReadOnlyList<Hash256>? TransactionHashesOf(Hash256 blockHash) => null;

        public void Schedule(TimeSpan after, NodeInput input) => throw new InvalidOperationException("No height.");

        public void ForgetTimers() => throw new InvalidOperationException("No height.");

        public bool TryRequestSignature(ConsensusAction request) => false;

        public void OnKeyChanged(ISigner signer) => throw new InvalidOperationException("There is one key.");

        public void OnCommitted(CommittedBlock block) => throw new InvalidOperationException("No block.");
    }
}
