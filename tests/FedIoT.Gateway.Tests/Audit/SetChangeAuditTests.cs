using System.Diagnostics;
using FedIoT.Consensus;
using FedIoT.Consensus.Light;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Cli;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;
using Xunit;

namespace FedIoT.Gateway.Tests.Audit;

/// <summary>A chain whose validators change completely, as a light client and as an auditor see it.</summary>
public sealed class SetChangeAuditTests : IDisposable
{
    private readonly AuditFixture fixture = new();
    private readonly ScriptedChain chain;
    private readonly LightTrust genesis;

    // Of nodes 0 to 3: {0, 1, 2} at first, then 3 joins, then 0, 1 and 2 leave, one after the other.
    public SetChangeAuditTests()
    {
        chain = fixture.StartGrowing("growing");
        genesis = LightTrust.In(ScriptedChain.ChainId, chain.Validators);
        Grow(chain, changes: 4);
        chain.Append();
        chain.Append();
    }

    private AccountId Last => fixture.Nodes[3].PublicKey.Account;

    private LightBlock Newest => chain.LightBlockOf(chain.State.Height);

    public void Dispose()
    {
        chain.Dispose();
        fixture.Dispose();
    }

    [Fact]
    public async Task Audit_OfAChainThatChangedAllValidators_HoldsAndSeesALieAboutTheNextSet()
    {
        Assert.Equal([Last], chain.Validators.Members.Select(m => m.Account));
        chain.Dispose();
        AuditReport report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis);
        Assert.Null(report.Finding);
        Assert.Equal(chain.State.Height, report.Height);
        Assert.Equal(0, report.Refused);

        using ScriptedChain liar = fixture.StartGrowing("liar");
        liar.Append();
        liar.AppendLie(header => header with { NextValidatorsHash = Hash256.Of("mine"u8) });
        liar.Dispose();
        report = await AuditFixture.AuditAsync(liar.Folder, liar.Genesis);
        Assert.Equal(("next validators hash", 2), (report.Finding!.What, (int)report.Finding.Height.Value));
    }

    [Theory]
    [InlineData(2, true)] // 3 has joined and 0 has left: two of the three of genesis still sign
    [InlineData(4, false)] // 3 alone is left
    public void Bundle_OfAStoreWithoutTheChanges_NeedsAThirdOfGenesisOrSaysWhatIsMissing(int changes, bool isPossible)
    {
        using ScriptedChain pruned = fixture.StartGrowing("pruned", segmentBytes: 4_096);
        Grow(pruned, changes);
        while (pruned.State.Height < new Height(60))
        {
            pruned.Append();
        }

        SnapshotStore snapshots = SnapshotStore.Open(Path.Combine(pruned.Folder, SnapshotStore.FolderName));
        snapshots.Write(pruned.Snapshot);
        Height kept = pruned.State.Height;
        pruned.Append();
        pruned.Append();
        Assert.True(pruned.Prune(kept) > new Height(20));
        pruned.Dispose();

        var builder = new BundleBuilder(ChainFolder.Find(pruned.Folder), pruned.Genesis);
        if (isPossible)
        {
            byte[] bytes = builder.ForAccount(Last, kept);
            Assert.Null(BundleVerifier.Check(bytes, pruned.Genesis.Hash).Finding);
            return;
        }

        var failure = Assert.Throws<RunFailedException>(() => builder.ForAccount(Last, kept));
        Assert.Contains($"begins behind block {kept}", failure.Message, StringComparison.Ordinal);
        Assert.Contains("a gateway that keeps all blocks", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bundle_AfterAllOfGenesisLeft_IsCheckedFromGenesisAloneInMilliseconds()
    {
        chain.Dispose();
        var builder = new BundleBuilder(ChainFolder.Find(chain.Folder), chain.Genesis);
        for (int height = 0; height < chain.State.Height.Value; height++)
        {
            byte[] bytes = builder.ForAccount(Last, new Height(height));
            BundleCheck check = BundleVerifier.Check(bytes, chain.Genesis.Hash);
            Assert.Null(check.Finding);
            var entry = Assert.IsType<StateEntry.OfAccount>(Assert.Single(check.Entries!));
            Assert.Equal(chain.States[height].Accounts[Last], entry.Account);
            Assert.InRange(bytes.Length, 0, 8 << 10);
        }

        byte[] last = builder.ForAccount(Last, after: null);
        Assert.True(Bundle.TryDecode(last, out Bundle? bundle));
        Assert.InRange(bundle!.Links.Count, 2, 4);
        Assert.Equal(last, bundle.Encode());
        long start = Stopwatch.GetTimestamp();
        Assert.True(BundleVerifier.Check(last, chain.Genesis.Hash).IsValid);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{bundle.Links.Count} links, {last.Length} bytes, {Stopwatch.GetElapsedTime(start).TotalMilliseconds} ms");

        for (int i = 0; i < bundle.Links.Count - 1; i++) // missing links, and links in another place
        {
            BundleLink[] fewer = [.. bundle.Links.Where((_, index) => index != i)];
            Assert.False(Check(bundle with { Links = fewer }), $"without link {i}");
            Assert.False(Check(bundle with { Links = [.. fewer, bundle.Links[i]] }));
            Assert.False(Check(bundle with { Links = [.. bundle.Links.Take(i + 1), .. bundle.Links.Skip(i)] }));
        }

        Parallel.For(0, last.Length, i =>
        {
            byte[] changed = [.. last];
            changed[i] ^= (byte)(1 << (i % 8));
            Assert.False(BundleVerifier.Check(changed, chain.Genesis.Hash).IsValid, $"byte {i}");
        });
    }

    [Fact]
    public void Step_ToANeighbour_NeedsTheSetThatWasAnnounced()
    {
        LightTrust trust = genesis;
        for (int height = 1; height <= chain.State.Height.Value; height++)
        {
            LightBlock block = chain.LightBlockOf(new Height(height));
            Assert.Equal(LightVerdict.Valid, LightVerifier.Verify(trust, block));
            Assert.Equal(
                LightVerdict.UntrustedValidators,
                LightVerifier.Verify(trust with { NextValidatorsHash = Hash256.Of("mine"u8) }, block));
            Assert.Equal(
                LightVerdict.WrongPredecessor,
                LightVerifier.Verify(trust with { BlockHash = Hash256.Of("other"u8) }, block));
            trust = trust.After(block);
            Assert.Equal(LightVerdict.NotAhead, LightVerifier.Verify(trust, block));
        }
    }

    [Fact]
    public void Skip_OverChanges_NeedsMoreThanAThirdOfTheTrustedPower()
    {
        // All that are left are strangers to genesis; with one of genesis' three among the signers it is a third.
        Assert.Equal(LightVerdict.TooLittleTrust, LightVerifier.Verify(genesis, Newest));
        var shares = new SortedSet<int>();
        for (int height = 2; height <= chain.State.Height.Value; height++)
        {
            LightBlock block = chain.LightBlockOf(new Height(height));
            int known = block.Validators.Members.Count(m => genesis.Validators.IndexOf(m.Account) >= 0);
            shares.Add(known);
            Assert.Equal(
                known >= 2 ? LightVerdict.Valid : LightVerdict.TooLittleTrust, LightVerifier.Verify(genesis, block));
        }

        Assert.Equal([0, 1, 2, 3], shares);
    }

    [Fact]
    public void Skip_FromATrustThatIsTooOld_IsRefusedAndASmallerStepIsNot()
    {
        int change = Enumerable.Range(2, 20).First(
            h => chain.SetOf(new Height(h)).Hash != genesis.Validators.Hash);
        LightBlock far = Moved(chain.LightBlockOf(new Height(change)), ConsensusLimits.TrustingBlocks + 1);
        Assert.Equal(LightVerdict.TrustExpired, LightVerifier.Verify(genesis, far));
        LightBlock near = Moved(chain.LightBlockOf(new Height(change)), ConsensusLimits.TrustingBlocks);
        Assert.Equal(LightVerdict.Valid, LightVerifier.Verify(genesis, near));
    }

    [Fact]
    public void Forgers_WithAThirdOfTheTrustedPower_FoolNobody_AndMoreAreNamed()
    {
        // A set of their own: the forgers of genesis, and keys that are nobody's.
        LightBlock actual = chain.LightBlockOf(new Height(5));
        LightBlock one = Forge(actual, forgers: 1);
        Assert.Equal(LightVerdict.TooLittleTrust, LightVerifier.Verify(genesis, one));
        LightBlock two = Forge(actual, forgers: 2);
        Assert.Equal(LightVerdict.Valid, LightVerifier.Verify(genesis, two)); // beyond what the rule is for
        AccountId[] guilty = [.. LightForgery.Accuse(genesis, two, actual.Header)];
        Assert.Equal(fixture.Nodes.Take(2).Select(n => n.PublicKey.Account).Order(), guilty.Order());
        Assert.Empty(LightForgery.Accuse(genesis, actual, actual.Header));
        LightBlock unsigned = two with { Commit = two.Commit with { Round = 3 } };
        Assert.Empty(LightForgery.Accuse(genesis, unsigned, actual.Header));
    }

    private void Grow(ScriptedChain growing, int changes)
    {
        (int Candidate, long Power, int[] Voters)[] all =
            [(3, 10, [0, 1, 2]), (0, 0, [1, 2, 3]), (1, 0, [1, 2, 3]), (2, 0, [2, 3])];
        growing.Append();
        foreach ((int candidate, long power, int[] voters) in all.Take(changes))
        {
            AccountId account = fixture.Nodes[candidate].PublicKey.Account;
            growing.Append([.. voters.Select(v => growing.Sign(v, new VotePower(account, power)))]);
            Assert.Equal(power, growing.State.Accounts[account].Power);
        }
    }

    private bool Check(Bundle bundle) => BundleVerifier.Check(bundle.Encode(), chain.Genesis.Hash).IsValid;

    // The same set decides another height.
    private LightBlock Moved(LightBlock block, long height)
    {
        BlockHeader header = block.Header with { Height = new Height(height) };
        Hash256 hash = Hash256.Of(header.Encode());
        return new LightBlock(header, chain.CommitOf(block.Validators, header.Height, hash), block.Validators);
    }

    private LightBlock Forge(LightBlock actual, int forgers)
    {
        Validator[] members =
        [
            .. fixture.Nodes.Take(forgers).Concat(fixture.Training).Select(n => new Validator(n.PublicKey, 10)),
        ];
        var set = new ValidatorSet(members);
        BlockHeader header = actual.Header with
        {
            ValidatorsHash = set.Hash,
            StateRoot = Hash256.Of("I am rich"u8),
            Proposer = members[0].Account,
        };
        Hash256 hash = Hash256.Of(header.Encode());
        return new LightBlock(
            header, chain.CommitOf(set, header.Height, hash, extra: fixture.Training), set);
    }
}
