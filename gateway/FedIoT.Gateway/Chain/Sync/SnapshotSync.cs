using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain.Sync;

/// <summary>
/// Brings a node without blocks to a snapshot of its peers, believing nothing but one trusted block: asks all for
/// manifests, judges their headers, fetches chunks from all that offered the same manifest, and compares the whole with
/// the state root. Ends when the store begins at the snapshot's height; block sync goes on from there.
/// </summary>
/// <remarks>
/// Owned by the node's task; <see cref="IsActive"/> and <see cref="State"/> may be read by anybody. Time is counted in
/// the node's ticks. docs/spec/audit.md §6.
/// </remarks>
internal sealed partial class SnapshotSync
{
    private const int OutstandingMax = 4; // chunks asked of one peer at a time
    private const int OfferTicks = 3; // from the first offer until one is chosen: others may have a newer one
    private const int AskAgainTicks = 10;
    private const int ChunkTicksMax = 40; // without an answer a chunk is asked of somebody else
    private const int IdleTicksMax = 80; // without any chunk the offer is given up

    private readonly ChainNodeOptions options;
    private readonly TrustedBlock trusted;
    private readonly ValidatorSet genesis;
    private readonly ISnapshotSource snapshots;
    private readonly BlockStore store;
    private readonly SnapshotDownload download;
    private readonly IChainNodeShell shell;
    private readonly ILogger logger;
    private readonly SortedDictionary<AccountId, Peer> peers = [];
    private readonly SortedDictionary<Hash256, Offer> offers = [];
    private readonly SortedSet<Hash256> refuted = []; // at most one for each peer that was blamed for it
    private readonly SortedDictionary<int, (AccountId Peer, int Ticks)> outstanding = [];
    private Offer? current;
    private int offerTicks;
    private int idleTicks;
    private int ticks;
    private volatile bool isActive = true;
    private volatile string state;

    public SnapshotSync(
        ChainNodeOptions options, TrustedBlock trusted, ISnapshotSource snapshots, BlockStore store,
        SnapshotDownload download, IChainNodeShell shell, ILogger logger)
    {
        this.options = options;
        this.trusted = trusted;
        this.snapshots = snapshots;
        this.store = store;
        this.download = download;
        this.shell = shell;
        this.logger = logger;
        genesis = new ValidatorSet(options.Validators);
        state = $"looks for a snapshot below the trusted block {trusted.Height}";
    }

    /// <summary>False once the store has its first block.</summary>
    public bool IsActive => isActive;

    /// <summary>Where the store begins then; 0 before.</summary>
    public Height JoinedAt { get; private set; }

    /// <summary>How far it is, one sentence without a subject.</summary>
    public string State => state;

    /// <summary>Goes on with what an earlier life has fetched.</summary>
    public void Start()
    {
        if (download.ReadManifest() is { } manifest
            && SnapshotProof.Of(options.ChainId, trusted, genesis, manifest) is { Following: { } following })
        {
            Log.Continuing(logger, manifest.Height, download.Count, manifest.ChunkCount);
            current = AddOffer(manifest, following);
            FinishWhenComplete();
        }
    }

    /// <summary>A peer is there.</summary>
    public void OnPeer(AccountId peer)
    {
        peers[peer] = new Peer();
        Ask(peer);
    }

    /// <summary>A peer answered: a manifest, or null for none.</summary>
    public void OnManifest(AccountId from, SnapshotManifest? manifest)
    {
        if (!peers.TryGetValue(from, out Peer? peer) || !peer.IsAsked)
        {
            return;
        }

        peer.IsAsked = false;
        peer.Offered = null;
        if (manifest is null)
        {
            peer.Problem = "has no snapshot for it";
            return;
        }

        SnapshotProof proof = SnapshotProof.Of(options.ChainId, trusted, genesis, manifest);
        if (proof.Following is not { } following)
        {
            peer.Problem = proof.Problem;
            Log.Unproven(logger, from, manifest.Height, proof.Problem);
            if (proof.IsLie)
            {
                Blame(from);
            }

            return;
        }

        Offer offer = AddOffer(manifest, following);
        if (refuted.Contains(offer.Hash))
        {
            Blame(from);
            return;
        }

        peer.Problem = string.Empty;
        peer.Offered = offer.Hash;
        RequestChunks();
    }

    /// <summary>A peer sent a chunk.</summary>
    public void OnChunk(AccountId from, Height height, int number, ReadOnlyMemory<byte> bytes)
    {
        if (current is not { } offer || height != offer.Manifest.Height || number >= offer.Manifest.ChunkCount
            || !peers.TryGetValue(from, out Peer? peer) || peer.Offered != offer.Hash)
        {
            return; // late: of an offer that was given up
        }

        if (outstanding.TryGetValue(number, out (AccountId Peer, int Ticks) asked) && asked.Peer == from)
        {
            outstanding.Remove(number);
        }

        if (!offer.Manifest.IsChunk(number, bytes.Span))
        {
            Log.WrongChunk(logger, from, number, height);
            Blame(from);
            RequestChunks();
            return;
        }

        peer.IsSilent = false;
        if (!download.Has(number))
        {
            download.Add(number, bytes.Span);
            idleTicks = 0;
        }

        FinishWhenComplete();
        RequestChunks();
    }

    /// <summary>Time passes.</summary>
    public void OnTick()
    {
        ticks++;
        foreach ((int number, (AccountId peer, int waited)) in outstanding.ToList())
        {
            outstanding[number] = (peer, waited + 1);
            if (waited >= ChunkTicksMax)
            {
                outstanding.Remove(number);
                if (peers.TryGetValue(peer, out Peer? silent))
                {
                    silent.IsSilent = true;
                }
            }
        }

        if (ticks % AskAgainTicks == 0)
        {
            foreach (AccountId peer in peers.Where(p => p.Value.Offered is null).Select(p => p.Key).ToList())
            {
                Ask(peer);
            }
        }

        bool isLeft = current is not null && CountOf(current) == 0 && offers.Values.Any(o => CountOf(o) > 0);
        if (current is not null && ++idleTicks > (isLeft ? AskAgainTicks : IdleTicksMax))
        {
            GiveUp();
        }

        foreach (Offer nobodys in offers.Values.Where(o => o != current && CountOf(o) == 0).ToList())
        {
            offers.Remove(nobodys.Hash); // a manifest may have 1 MiB
        }

        Choose();
        RequestChunks();
        Describe();
    }

    private Offer AddOffer(SnapshotManifest manifest, BlockHeader following)
    {
        var hash = Hash256.Of(manifest.Encode());
        if (!offers.TryGetValue(hash, out Offer? offer))
        {
            offers.Add(hash, offer = new Offer(hash, manifest, following));
        }

        return offer;
    }

    private void Ask(AccountId peer)
    {
        peers[peer].IsAsked = shell.Send(peer, new Frame(
            FrameType.SnapshotRequest, PeerMessages.Status(trusted.Height).Payload));
    }

    // What most peers offer, those aside that gave nothing before: a single one could promise the newest for ever.
    private void Choose()
    {
        Offer? best = current is not null ? null : offers.Values
            .Where(o => !refuted.Contains(o.Hash) && CountOf(o) > 0)
            .OrderByDescending(o => peers.Values.Count(p => p.Offered == o.Hash && !p.IsSilent))
            .ThenByDescending(o => o.Manifest.Height.Value).FirstOrDefault();
        if (best is null || ++offerTicks < OfferTicks)
        {
            return;
        }

        current = best;
        offerTicks = idleTicks = 0;
        outstanding.Clear();
        download.Begin(best.Manifest);
        Log.Chosen(logger, best.Manifest.Height, best.Manifest.ChunkCount, CountOf(best));
    }

    private int CountOf(Offer offer) => peers.Values.Count(p => p.Offered == offer.Hash);

    private void GiveUp()
    {
        Log.GivenUp(logger, current!.Manifest.Height);
        foreach (Peer peer in peers.Values.Where(p => p.Offered == current.Hash))
        {
            peer.Offered = null; // it is asked again: it may have a newer snapshot now
            peer.IsSilent = true;
        }

        offers.Remove(current.Hash);
        current = null;
        outstanding.Clear();
        idleTicks = 0;
    }

    private void RequestChunks()
    {
        if (current is not { } offer || !isActive)
        {
            return;
        }

        var sources = peers.Where(p => p.Value.Offered == offer.Hash).ToList();
        bool hasLoud = sources.Exists(p => !p.Value.IsSilent);
        int next = 0;
        for (int depth = 0; depth < OutstandingMax; depth++) // one of each in turn, so that all take part
        {
            foreach ((AccountId account, Peer peer) in sources)
            {
                while (next < offer.Manifest.ChunkCount && (download.Has(next) || outstanding.ContainsKey(next)))
                {
                    next++;
                }

                bool isAsked = !peer.IsSilent || (!hasLoud && depth == 0);
                if (next < offer.Manifest.ChunkCount && isAsked
                    && outstanding.Values.Count(o => o.Peer == account) <= depth
                    && shell.Send(account, SnapshotMessages.ChunkRequest(offer.Manifest.Height, next)))
                {
                    outstanding[next] = (account, 0);
                }
            }
        }
    }

    private void FinishWhenComplete()
    {
        if (current is not { } offer || download.Count < offer.Manifest.ChunkCount
            || download.Assemble(offer.Manifest) is not { } package)
        {
            return;
        }

        string? problem = Adopt(offer, package);
        if (problem is null)
        {
            Log.Joined(logger, offer.Manifest.Height, offer.Following.StateRoot);
            download.Clear();
            JoinedAt = offer.Manifest.Height;
            isActive = false;
            return;
        }

        Log.Refuted(logger, offer.Manifest.Height, problem);
        refuted.Add(offer.Hash);
        foreach (AccountId liar in peers.Where(p => p.Value.Offered == offer.Hash).Select(p => p.Key).ToList())
        {
            Blame(liar);
        }

        download.Clear();
        GiveUp();
    }

    // First the snapshot, then the block that the store begins with: a crash in between leaves a store without blocks.
    private string? Adopt(Offer offer, byte[] package)
    {
        int tail = offer.Manifest.TailLength;
        if (!PeerMessages.TryDecodeBlockResponse(
                package.AsMemory(package.Length - tail), out ReadOnlyMemory<byte> bytes, out Commit? commit)
            || !Block.TryDecode(bytes, out Block? block) || block!.Header.Height != offer.Manifest.Height
            || block.Hash != offer.Following.PreviousBlockHash || commit!.Hash != offer.Following.LastCommitHash)
        {
            return "its block is not the one below the proven header";
        }

        string? problem = snapshots.TryAdopt(package.AsMemory(0, package.Length - tail), block.Header, offer.Following);
        if (problem is null)
        {
            store.StartAt(block, commit);
        }

        return problem;
    }

    private void Blame(AccountId peer)
    {
        peers.Remove(peer);
        foreach (int number in outstanding.Where(o => o.Value.Peer == peer).Select(o => o.Key).ToList())
        {
            outstanding.Remove(number);
        }

        shell.Disconnect(peer, DisconnectReason.BadSnapshot);
    }

    private void Describe()
    {
        string[] problems = [.. peers.Values.Select(p => p.Problem).Where(p => p.Length > 0).Distinct()];
        state = current is { } offer
            ? $"fetches the snapshot of height {offer.Manifest.Height}: {download.Count} of "
                + $"{offer.Manifest.ChunkCount} chunks, from {CountOf(offer)} peers"
            : peers.Count == 0 ? $"waits for a peer that knows the trusted block {trusted.Height}"
            : problems.Length == 0 ? $"asks {peers.Count} peers for a snapshot at the trusted block {trusted.Height}"
            : $"no peer proves a snapshot at the trusted block {trusted}: {string.Join("; ", problems)}. Check [chain] "
                + "trusted, or take it out to execute the chain from its first block";
        if (current is null && problems.Length > 0 && ticks % (AskAgainTicks * 6) == 1)
        {
            Log.Stuck(logger, state);
        }
    }

    private sealed class Peer
    {
        public bool IsAsked { get; set; }

        public bool IsSilent { get; set; }

        public Hash256? Offered { get; set; }

        public string Problem { get; set; } = string.Empty;
    }

    private sealed record Offer(Hash256 Hash, SnapshotManifest Manifest, BlockHeader Following);

    private static partial class Log
    {
        [LoggerMessage(2301, LogLevel.Information, "Joining: the snapshot of height {Height}, {Have} of {All} chunks.")]
        public static partial void Continuing(ILogger logger, Height height, int have, int all);

        [LoggerMessage(2302, LogLevel.Warning, "{Peer} offers a snapshot of height {Height}, but {Problem}.")]
        public static partial void Unproven(ILogger logger, AccountId peer, Height height, string problem);

        [LoggerMessage(2303, LogLevel.Warning, "{Peer} sent a wrong chunk {Number} of the snapshot at {Height}.")]
        public static partial void WrongChunk(ILogger logger, AccountId peer, int number, Height height);

        [LoggerMessage(
            2304, LogLevel.Information, "Fetching the snapshot of height {Height}: {Chunks} chunks, {Peers} peers.")]
        public static partial void Chosen(ILogger logger, Height height, int chunks, int peers);

        [LoggerMessage(2305, LogLevel.Warning, "Nobody sends chunks of the snapshot at {Height} any more.")]
        public static partial void GivenUp(ILogger logger, Height height);

        [LoggerMessage(
            2306, LogLevel.Information, "Joined at height {Height} with state root {Root}; block sync goes on.")]
        public static partial void Joined(ILogger logger, Height height, Hash256 root);

        [LoggerMessage(2307, LogLevel.Warning, "The snapshot of height {Height} was a lie: {Problem}.")]
        public static partial void Refuted(ILogger logger, Height height, string problem);

        [LoggerMessage(2308, LogLevel.Warning, "This node {State}.")]
        public static partial void Stuck(ILogger logger, string state);
    }
}
