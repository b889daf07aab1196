using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Gateway.Tests.Audit;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace FedIoT.Gateway.Tests.Chain.Sync;

/// <summary>A node that joins, and peers that answer at once, each in its own way; no sockets and no threads.</summary>
internal sealed class JoinHarness : IChainNodeShell, IDisposable
{
    private readonly ScriptedChain chain;
    private readonly string folder;
    private readonly TrustedBlock trusted;
    private readonly SortedDictionary<AccountId, Func<Frame, Frame?>> peers = [];
    private readonly Queue<(AccountId From, Frame Frame)> arriving = new();
    private SnapshotWriter writer;
    private SnapshotDownload download;

    public JoinHarness(ScriptedChain chain, string folder, TrustedBlock trusted)
    {
        this.chain = chain;
        this.folder = folder;
        this.trusted = trusted;
        (writer, Application, Store, download, Sync) = Open();
    }

    public LedgerApplication Application { get; private set; }

    public BlockStore Store { get; private set; }

    public SnapshotSync Sync { get; private set; }

    public List<AccountId> Blamed { get; } = [];

    /// <summary>Chunks asked of each peer.</summary>
    public SortedDictionary<AccountId, int> Asked { get; } = [];

    public int ConnectedPeers => peers.Count;

    public void Add(AccountId peer, Func<Frame, Frame?> answer)
    {
        peers.Add(peer, answer);
        Asked.TryAdd(peer, 0);
        Sync.OnPeer(peer);
        Pump();
    }

    /// <summary>Lets time pass until it has joined, or for so many ticks.</summary>
    public void Run(int ticks)
    {
        for (int i = 0; i < ticks && Sync.IsActive; i++)
        {
            Sync.OnTick();
            Pump();
        }
    }

    /// <summary>Dies, and lives again behind what its disk holds; peers have to be added again.</summary>
    public void Restart()
    {
        Close();
        peers.Clear();
        arriving.Clear();
        (writer, Application, Store, download, Sync) = Open();
        Sync.Start();
    }

    public void Dispose() => Close();

    bool IChainNodeShell.Send(AccountId peer, in Frame frame)
    {
        if (!peers.TryGetValue(peer, out Func<Frame, Frame?>? answer))
        {
            return false;
        }

        Asked[peer] += frame.Type == FrameType.ChunkRequest ? 1 : 0;
        if (answer(frame) is { } given)
        {
            arriving.Enqueue((peer, given));
        }

        return true;
    }

    void IChainNodeShell.Disconnect(AccountId peer, DisconnectReason reason)
    {
        Blamed.Add(peer);
        peers.Remove(peer);
    }

    void IChainNodeShell.Broadcast(in Frame frame) => throw new InvalidOperationException("Nothing to tell.");

    void IChainNodeShell.Announce(SignedProposal proposal) => throw new InvalidOperationException("It does not vote.");

    IReadOnlyList<Hash256>? IChainNodeShell.TransactionHashesOf(Hash256 blockHash) => null;

    void IChainNodeShell.Schedule(TimeSpan after, NodeInput input) => throw new InvalidOperationException("No height.");

    void IChainNodeShell.ForgetTimers() => throw new InvalidOperationException("No height.");

    bool IChainNodeShell.TryRequestSignature(ConsensusAction request) => false;

    void IChainNodeShell.OnKeyChanged(ISigner signer) => throw new InvalidOperationException("There is one key.");

    void IChainNodeShell.OnCommitted(CommittedBlock block) => throw new InvalidOperationException("No block.");

    private (SnapshotWriter, LedgerApplication, BlockStore, SnapshotDownload, SnapshotSync) Open()
    {
        var snapshots = new SnapshotWriter(
            SnapshotStore.Open(Path.Combine(folder, SnapshotStore.FolderName)), 1_000, NullLogger.Instance);
        var application = new LedgerApplication(chain.Genesis, snapshots);
        BlockStore store = BlockStore.Open(Path.Combine(folder, "chain", "blocks"));
        SnapshotDownload fetched = SnapshotDownload.Open(Path.Combine(folder, "chain", "incoming"));
        var options = new ChainNodeOptions
        {
            ChainId = ScriptedChain.ChainId,
            StateDirectory = folder,
            Listen = new System.Net.IPEndPoint(0, 0),
            Validators = [.. chain.Genesis.Validators.Select(v => new Validator(v.Key, v.Power))],
        };
        return (snapshots, application, store, fetched, new SnapshotSync(
            options, trusted, application, store, fetched, this, NullLogger.Instance));
    }

    private void Close()
    {
        download.Dispose();
        Store.Dispose();
    }

    private void Pump()
    {
        while (Sync.IsActive && arriving.TryDequeue(out (AccountId From, Frame Frame) next))
        {
            if (next.Frame.Type == FrameType.SnapshotManifest
                && SnapshotManifest.TryDecode(next.Frame.Payload, out SnapshotManifest? manifest))
            {
                Sync.OnManifest(next.From, manifest);
            }
            else if (SnapshotMessages.TryDecodeChunk(
                next.Frame.Payload, out Height height, out int number, out ReadOnlyMemory<byte> bytes))
            {
                Sync.OnChunk(next.From, height, number, bytes);
            }
        }
    }
}
