using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Gateway.Tests.Audit;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain.Sync;

/// <summary>Joining by a snapshot of several chunks, from honest peers and from others.</summary>
public sealed class SnapshotSyncTests : IDisposable
{
    private const int Hidden = 12_000; // 192,000 weights: two versions of them are six chunks
    private const int SnapshotHeight = 8;

    private static readonly AccountId[] Peers =
        [.. Enumerable.Range(0, 4).Select(i => new AccountId(Hash256.Of([(byte)i])))];

    private readonly AuditFixture fixture = new();
    private readonly ScriptedChain chain;
    private readonly BlockStore store;
    private readonly SnapshotServer server;

    public SnapshotSyncTests()
    {
        chain = Play("served");
        (store, server) = Serve(chain);
    }

    public void Dispose()
    {
        server.Dispose();
        store.Dispose();
        fixture.Dispose();
    }

    [Theory]
    [InlineData(SnapshotHeight - 5)]
    [InlineData(SnapshotHeight)]
    [InlineData(SnapshotHeight + 1)]
    [InlineData(SnapshotHeight + 4)]
    public void Join_TrustedBlockBelowAtOrAboveTheSnapshot_GivesItsState(int trusted)
    {
        using JoinHarness node = Start(trusted);
        Array.ForEach(Peers, p => node.Add(p, Honest));
        node.Run(ticks: 10);
        AssertJoined(node);
        Assert.Empty(node.Blamed);
        Assert.All(Peers, p => Assert.True(node.Asked[p] > 0, $"nothing was asked of {p}"));
        Assert.True(node.Asked.Values.Sum() >= 6);
    }

    [Fact]
    public void Join_WithAWrongChunk_BlamesItsSenderOnly()
    {
        using JoinHarness node = Start(SnapshotHeight + 2);
        Array.ForEach(Peers[..3], p => node.Add(p, Honest));
        node.Add(Peers[3], f => f.Type == FrameType.ChunkRequest ? Corrupted(Honest(f)) : Honest(f));
        node.Run(ticks: 10);
        AssertJoined(node);
        Assert.Equal([Peers[3]], node.Blamed);
    }

    [Fact]
    public void Join_FromALiarWithAStateOfItsOwn_RefutesItAndGoesOnWithTheOthers()
    {
        // Whole in itself and of the same height, and the headers are the true ones: only the state root tells.
        ScriptedChain other = Play("other", extra: true);
        (BlockStore otherStore, SnapshotServer otherServer) = Serve(other);
        using (otherStore)
        using (otherServer)
        using (JoinHarness node = Start(SnapshotHeight + 2))
        {
            SnapshotManifest truth = ManifestOf(server, chain, SnapshotHeight + 2);
            SnapshotManifest lie = ManifestOf(otherServer, other, SnapshotHeight + 2) with { Headers = truth.Headers };
            Frame? Lying(Frame frame) => frame.Type == FrameType.SnapshotRequest
                ? new Frame(FrameType.SnapshotManifest, lie.Encode())
                : Answer(otherServer, frame);
            node.Add(Peers[0], Lying);
            node.Run(ticks: 6);
            Assert.True(node.Sync.IsActive);
            Assert.Equal([Peers[0]], node.Blamed);
            Assert.Equal(Height.Genesis, node.Store.Height);
            node.Add(Peers[1], Honest);
            node.Run(ticks: 10);
            AssertJoined(node);
            node.Dispose();
        }
    }

    [Fact]
    public void Join_WithMostlyHonestPeers_IsNotHeldUpByOneThatPromisesAndIsSilent()
    {
        using JoinHarness node = Start(SnapshotHeight + 2);
        Array.ForEach(Peers[..2], p => node.Add(p, Honest));
        node.Add(Peers[2], f => f.Type == FrameType.ChunkRequest ? null : Honest(f));
        node.Run(ticks: 60);
        AssertJoined(node);
        Assert.Empty(node.Blamed);
    }

    [Fact]
    public void Join_FromASilentPeerAlone_WaitsAndTakesTheNextThatComes()
    {
        using JoinHarness node = Start(SnapshotHeight + 2);
        node.Add(Peers[0], f => f.Type == FrameType.ChunkRequest ? null : Honest(f));
        node.Run(ticks: 100);
        Assert.True(node.Sync.IsActive);
        Assert.InRange(node.Asked[Peers[0]], 1, 20);
        node.Add(Peers[1], Honest);
        node.Run(ticks: 60);
        AssertJoined(node);
    }

    [Fact]
    public void Join_WithATrustedHashThatNobodyHas_SaysSoAndBlamesNobody()
    {
        var wrong = new TrustedBlock(new Height(SnapshotHeight + 2), Hash256.Of("typing error"u8));
        using var node = new JoinHarness(chain, fixture.File("joining"), wrong);
        Array.ForEach(Peers, p => node.Add(p, Honest));
        node.Run(ticks: 30);
        Assert.True(node.Sync.IsActive);
        Assert.Empty(node.Blamed);
        Assert.Contains($"trusted block {wrong}", node.Sync.State, StringComparison.Ordinal);
        Assert.Contains($"has the hash {HashAt(SnapshotHeight + 2)}", node.Sync.State, StringComparison.Ordinal);
    }

    [Fact]
    public void Join_WithoutASnapshotForTheTrustedBlock_SaysSo()
    {
        using var node = new JoinHarness(
            chain, fixture.File("joining"), new TrustedBlock(new Height(9_999), Hash256.Of("future"u8)));
        node.Add(Peers[0], Honest);
        node.Run(ticks: 30);
        Assert.Contains("has no snapshot for it", node.Sync.State, StringComparison.Ordinal);
    }

    [Fact]
    public void Join_Restarted_GoesOnWithWhatIsThere()
    {
        using JoinHarness node = Start(SnapshotHeight + 2);
        int given = 0;
        node.Add(Peers[0], f => f.Type == FrameType.ChunkRequest && ++given > 4 ? null : Honest(f));
        node.Run(ticks: 5);
        Assert.True(node.Sync.IsActive);
        node.Restart();
        node.Add(Peers[1], Honest);
        node.Run(ticks: 10);
        AssertJoined(node);
        Assert.Equal(ManifestOf(server, chain, SnapshotHeight + 2).ChunkCount - 4, node.Asked[Peers[1]]);
    }

    [Fact]
    public void Manifest_AnyBitFlipped_IsRefusedOrUnprovenOrOnlyAboutTheChunks()
    {
        SnapshotManifest manifest = ManifestOf(server, chain, SnapshotHeight - 3);
        byte[] bytes = manifest.Encode();
        var trusted = new TrustedBlock(new Height(SnapshotHeight - 3), HashAt(SnapshotHeight - 3));
        SnapshotProof truth = SnapshotProof.Of(ScriptedChain.ChainId, trusted, chain.Validators, manifest);
        Assert.NotNull(truth.Following);
        const ulong Seed = 5;
        var random = new SplitMix64(Seed);
        for (int i = 0; i < 2_000; i++)
        {
            byte[] changed = [.. bytes];
            int at = random.Next(bytes.Length);
            changed[at] ^= (byte)(1 << random.Next(8));
            if (SnapshotManifest.TryDecode(i % 5 == 4 ? changed.AsMemory(0, at) : changed, out SnapshotManifest? read)
                && read is not null)
            {
                BlockHeader? following =
                    SnapshotProof.Of(ScriptedChain.ChainId, trusted, chain.Validators, read).Following;
                Assert.True(following is null || following == truth.Following, $"seed {Seed}, step {i}");
            }
        }
    }

    [Fact]
    public void Proof_SignedByStrangersOrByTooFewOfTheTrusted_IsNone()
    {
        SnapshotManifest manifest = ManifestOf(server, chain, SnapshotHeight - 3);
        var trusted = new TrustedBlock(new Height(SnapshotHeight - 3), HashAt(SnapshotHeight - 3));

        // The trusted block's set is the one of genesis here; three of its four are replaced.
        TestSigner[] strangers = [.. Enumerable.Range(50, 3).Select(i => new TestSigner(i))];
        TestSigner[] signers = [fixture.Nodes[0], .. strangers];
        var set = new ValidatorSet(signers.Select(s => new Validator(s.PublicKey, 10)));
        BlockHeader forged = manifest.Headers[1] with
        {
            ValidatorsHash = set.Hash, Proposer = set[0].Account, StateRoot = Hash256.Of("mine"u8),
        };
        SnapshotManifest lie = manifest with
        {
            Headers = [manifest.Headers[0], forged],
            Validators = set,
            Commit = CommitOf(forged, set, signers),
        };
        SnapshotProof proof = SnapshotProof.Of(ScriptedChain.ChainId, trusted, chain.Validators, lie);
        Assert.Null(proof.Following);
        Assert.Contains("a third or less", proof.Problem, StringComparison.Ordinal);
        proof = SnapshotProof.Of(
            ScriptedChain.ChainId, trusted, chain.Validators, lie with { Commit = manifest.Commit });
        Assert.True(proof is { Following: null, IsLie: true });
        Array.ForEach(strangers, s => s.Dispose());
    }

    [Theory]
    [InlineData(ConsensusLimits.TrustingBlocks, true)]
    [InlineData(ConsensusLimits.TrustingBlocks + 1, false)]
    public void Proof_OfAnotherSetBeyondTheTrustingPeriod_IsNone(long distance, bool isProof)
    {
        BlockHeader first = store.Read(new Height(1)).Block.Header;
        TestSigner[] strangers = [new TestSigner(50), new TestSigner(51)];
        TestSigner[] signers = [fixture.Nodes[0], fixture.Nodes[1], .. strangers]; // half of the trusted power
        var set = new ValidatorSet(signers.Select(s => new Validator(s.PublicKey, 10)));
        BlockHeader later = first with
        {
            Height = new Height(1 + distance), ValidatorsHash = set.Hash, Proposer = set[0].Account,
        };
        SnapshotManifest manifest = ManifestOf(server, chain, SnapshotHeight - 3) with
        {
            Height = new Height(distance),
            Headers = [first, later],
            Validators = set,
            Commit = CommitOf(later, set, signers),
        };
        SnapshotProof proof = SnapshotProof.Of(
            ScriptedChain.ChainId, new TrustedBlock(new Height(1), HashAt(1)), chain.Validators, manifest);
        Assert.Equal(isProof, proof.Following is not null);
        Assert.False(proof.IsLie);
        Assert.Contains(isProof ? string.Empty : "name a newer block", proof.Problem, StringComparison.Ordinal);
        Array.ForEach(strangers, s => s.Dispose());
    }

    [Fact]
    public void Server_ReadsTheBlocksOfAManifestOnceAndChargesWhoAskedFirst()
    {
        long charged = 0;
        for (int i = 0; i < 3; i++)
        {
            var request = new Frame(
                FrameType.SnapshotRequest, PeerMessages.Status(new Height(SnapshotHeight + 3)).Payload);
            Assert.Equal(
                DisconnectReason.None,
                server.Serve(request, bytes => charged += bytes, _ => true, out bool isServed));
            Assert.True(isServed);
            Assert.Equal(
                Enumerable.Range(SnapshotHeight + 1, 3).Sum(h => store.Read(new Height(h)).Block.Encoded.Length),
                charged);
        }
    }

    [Fact]
    public void Server_WhenTheFileIsGone_GoesOnWithWhatItServes()
    {
        SnapshotManifest manifest = ManifestOf(server, chain, SnapshotHeight + 2);
        Directory.Delete(Path.Combine(chain.Folder, SnapshotStore.FolderName), recursive: true);
        for (int i = 0; i < manifest.ChunkCount; i++)
        {
            Frame? answer = Honest(SnapshotMessages.ChunkRequest(manifest.Height, i));
            Assert.True(SnapshotMessages.TryDecodeChunk(
                answer!.Value.Payload, out _, out int number, out ReadOnlyMemory<byte> bytes));
            Assert.True(number == i && manifest.IsChunk(i, bytes.Span));
        }
    }

    private static Commit CommitOf(BlockHeader header, ValidatorSet set, TestSigner[] signers)
    {
        var hash = Hash256.Of(header.Encode());
        return new Commit(header.Height, 0, hash, [.. set.Members.Select((member, i) =>
        {
            var vote = new Vote(VoteType.Precommit, header.Height, 0, hash, member.Account);
            var signature = new byte[64];
            signers.Single(s => s.PublicKey.Account == member.Account)
                .Sign(vote.SignBytes(ScriptedChain.ChainId, member.Key), signature);
            return new CommitSignature(i, signature);
        })]);
    }

    private static Frame? Corrupted(Frame? chunk)
    {
        byte[] bytes = chunk!.Value.Payload.ToArray();
        bytes[bytes.Length / 2] ^= 1;
        return new Frame(FrameType.SnapshotChunk, bytes);
    }

    private static Frame? Answer(SnapshotServer server, Frame request)
    {
        Frame? given = null;
        Assert.Equal(DisconnectReason.None, server.Serve(
            request, _ => { }, frame =>
            {
                given = frame;
                return true;
            },
            out _));
        return given;
    }

    private static SnapshotManifest ManifestOf(SnapshotServer server, ScriptedChain chain, int trusted)
    {
        Assert.True(chain.State.Height.Value > SnapshotHeight + 2);
        Assert.True(SnapshotManifest.TryDecode(
            server.ManifestFor(new Height(trusted), out _), out SnapshotManifest? read));
        return read!;
    }

    private static (BlockStore Store, SnapshotServer Server) Serve(ScriptedChain chain)
    {
        SnapshotStore snapshots = SnapshotStore.Open(Path.Combine(chain.Folder, SnapshotStore.FolderName));
        snapshots.Write(chain.SnapshotAt(SnapshotHeight));
        BlockStore store = BlockStore.Open(chain.BlocksFolder);
        return (store, new SnapshotServer(store, new LedgerApplication(
            chain.Genesis, new SnapshotWriter(snapshots, 1_000, NullLogger.Instance))));
    }

    private Frame? Honest(Frame request) => Answer(server, request);

    private Hash256 HashAt(int height) => store.Read(new Height(height)).Block.Hash;

    private ScriptedChain Play(string name, bool extra = false)
    {
        var played = new ScriptedChain(fixture.File(name), fixture.Nodes, fixture.Training, Hidden);
        played.Play(rounds: 1, devices: 1);
        for (int i = 0; i < 8; i++)
        {
            played.Append(extra && i == 0
                ? [played.Sign(1, new Wire.Transactions.RegisterDevice(new DeviceId("one-more")))]
                : []);
        }

        played.Dispose();
        return played;
    }

    private JoinHarness Start(int trusted) => new(
        chain, fixture.File("joining"), new TrustedBlock(new Height(trusted), HashAt(trusted)));

    private void AssertJoined(JoinHarness node)
    {
        Assert.False(node.Sync.IsActive, node.Sync.State);
        var height = new Height(SnapshotHeight);
        Assert.Equal((height, height, height), (node.Sync.JoinedAt, node.Store.First, node.Store.Height));
        node.Application.Restore(node.Store.Height, _ => null);
        Assert.Equal(
            chain.States[SnapshotHeight].EncodeSnapshot(), node.Application.Committed.EncodeSnapshot());
        Assert.Equal(HashAt(SnapshotHeight), node.Store.Read(height).Block.Hash);
    }
}
