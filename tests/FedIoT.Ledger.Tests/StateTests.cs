using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger.Tests;

public sealed class StateTests
{
    [Fact]
    public void Execute_TheSameBlocksAgain_GivesTheSameRoots()
    {
        TestChain chain = Played();
        LedgerState state = LedgerState.FromGenesis(chain.Genesis);
        var cache = new VerifiedSignatures();
        var roots = new List<Hash256>();
        foreach (byte[][] block in chain.Blocks)
        {
            // A memo in one replay and none in the other: the result must not notice.
            ReadOnlyMemory<byte>[] bytes = [.. block.Select(t => new ReadOnlyMemory<byte>(t))];
            Assert.All(bytes, t => state.CheckTransaction(t, cache));
            state = state.Execute(state.Height.Next, chain.Validator.Id, bytes, cache).Next;
            roots.Add(state.StateRoot);
        }

        Assert.Equal(chain.State.StateRoot, state.StateRoot);
        Assert.True(roots.Distinct().Count() > 8);
    }

    [Fact]
    public void Execute_AnotherHeight_IsTheCallersBug()
    {
        var chain = new TestChain();
        Assert.Throws<ArgumentException>(() => chain.State.Execute(new Height(2), chain.Validator.Id, []));
    }

    [Fact]
    public void Execute_EmptyBlockWithoutWork_KeepsTheRoot()
    {
        var chain = new TestChain();
        Hash256 before = chain.State.StateRoot;
        chain.Run();
        Assert.Equal(before, chain.State.StateRoot);
        Assert.Equal(new Height(1), chain.State.Height);
    }

    [Fact]
    public void Execute_SeveralTransactionsOfOneAccount_GoInNonceOrder()
    {
        var chain = new TestChain();
        RegisterDevice[] devices =
            [.. Enumerable.Range(0, 3).Select(d => new RegisterDevice(TestChain.DeviceOf(0, d)))];
        BlockOutcome outcome = chain.Run(
            chain.Gateways[0].Sign(devices[0], 1), chain.Gateways[0].Sign(devices[2], 3),
            chain.Gateways[0].Sign(devices[1], 2), chain.Gateways[0].Sign(devices[2], 3));
        Assert.Equal([null, RejectionReason.NonceGap, null, null], outcome.Rejections);
        Assert.Equal(3UL, chain.State.Accounts[chain.Gateways[0].Id].Nonce);
    }

    [Fact]
    public void Execute_SameTransactionTwice_AppliesOnce()
    {
        var chain = new TestChain();
        byte[] transaction = chain.Gateways[0].Sign(new RegisterDevice(TestChain.DeviceOf(0, 0)), 1);
        Assert.Equal([null, RejectionReason.NonceStale], chain.Run(transaction, transaction).Rejections);
        Assert.Equal([RejectionReason.NonceStale], chain.Run(transaction).Rejections);
    }

    [Fact]
    public void Snapshot_AtEveryHeight_GivesTheSameStateAndFuture()
    {
        TestChain chain = Played();
        LedgerState original = LedgerState.FromGenesis(chain.Genesis);
        LedgerState restored = original;
        foreach (byte[][] block in chain.Blocks)
        {
            byte[] snapshot = restored.EncodeSnapshot();
            Assert.True(LedgerState.TryDecodeSnapshot(snapshot, out LedgerState? read));
            Assert.Equal(snapshot, read!.EncodeSnapshot());
            ReadOnlyMemory<byte>[] bytes = [.. block.Select(t => new ReadOnlyMemory<byte>(t))];
            original = original.Execute(original.Height.Next, chain.Validator.Id, bytes).Next;
            restored = read.Execute(read.Height.Next, chain.Validator.Id, bytes).Next;
            Assert.Equal(original.StateRoot, restored.StateRoot);
            Assert.Equal(original.Height, restored.Height);
        }

        Assert.Equal(chain.State.StateRoot, restored.StateRoot);
    }

    [Fact]
    public void Snapshot_AnyBitFlipped_IsRefused()
    {
        TestChain chain = new TestChain(gateways: 2, devicesPerGateway: 1).ToRoundOne();
        byte[][] deltas = [.. Enumerable.Range(0, 2).Select(g => chain.Delta(g, 0, chain.RandomValues(g)))];
        chain.RunAll(
            [.. Enumerable.Range(0, 2).Select(g => chain.Sign(chain.Gateways[g], chain.Commitment(deltas[g])))]);
        chain.RunAll(chain.Sign(chain.Gateways[0], chain.Reveal(deltas[0])));
        byte[] snapshot = chain.State.EncodeSnapshot();
        Assert.True(LedgerState.TryDecodeSnapshot(snapshot, out _));

        // The height is the one number that the root does not cover: the node compares it with its block store.
        for (int i = 0; i < snapshot.Length; i++)
        {
            byte[] changed = [.. snapshot];
            changed[i] ^= (byte)(1 << (i % 8));
            bool accepted = LedgerState.TryDecodeSnapshot(changed, out LedgerState? state);
            Assert.False(accepted && state!.Height == chain.State.Height, $"byte {i} changed without notice");
            Assert.False(LedgerState.TryDecodeSnapshot(snapshot.AsMemory(0, i), out _), $"cut at {i}");
        }
    }

    [Fact]
    public void Proof_OfEveryEntry_VerifiesAndNothingElseDoes()
    {
        TestChain chain = Played();
        var keys = new List<StateKey> { StateKey.Chain };
        keys.AddRange(chain.State.Accounts.Keys.Select(StateKey.Account));
        keys.AddRange(chain.State.Devices.Keys.Select(StateKey.Device));
        keys.AddRange(
            [StateKey.Task(chain.TaskId), StateKey.Progress(chain.TaskId), StateKey.Statistics(chain.TaskId)]);
        keys.AddRange(chain.Task.Versions.Select(v => StateKey.Version(chain.TaskId, v.Version)));
        keys.AddRange(Enumerable.Range(0, chain.State.Faults.Count).Select(StateKey.Fault));
        Assert.NotEmpty(chain.State.Faults);
        foreach (StateKey key in keys)
        {
            StateProof proof = chain.State.Prove(key)!;
            Assert.Equal(chain.State.GetValue(key)!.Value.ToArray(), proof.Value.ToArray());
            Assert.True(proof.Verify(chain.State.StateRoot));
            Assert.Equal(keys.Count, proof.Inclusion.Count);
            Assert.False(proof.Verify(chain.Genesis.Hash));
            Assert.False((proof with { Key = StateKey.Fault(99) }).Verify(chain.State.StateRoot));
            Assert.False((proof with { Value = new byte[] { 1 } }).Verify(chain.State.StateRoot));
            InclusionProof path = proof.Inclusion;
            InclusionProof[] wrong =
            [
                path with { Path = [.. path.Path.Skip(1)] }, path with { Path = [.. path.Path, default] },
                path with { Index = path.Index ^ 1 }, path with { Index = -1 }, path with { Index = path.Count },
                path with { Count = 1 }, path with { Path = [] },
            ];
            Assert.All(wrong, w => Assert.False((proof with { Inclusion = w }).Verify(chain.State.StateRoot)));
        }

        Assert.Null(chain.State.Prove(StateKey.Device(new DeviceId("nobody"))));
        Assert.Null(chain.State.Prove(StateKey.Version(chain.TaskId, 99)));
    }

    [Fact]
    public void Tree_RandomInsertionsAndUpdates_EqualsOneBuiltAtOnce()
    {
        var random = new SplitMix64(21);
        StateTree tree = StateTree.Empty;
        var all = new SortedDictionary<StateKey, Hash256>();
        Assert.Equal(MerkleTree.EmptyRoot, tree.Root);
        for (int step = 0; step < 300; step++)
        {
            var changes = new SortedDictionary<StateKey, Hash256>();
            for (int i = random.Next(5); i >= 0; i--)
            {
                // Appended, inserted anywhere, and updated keys.
                StateKey key = StateKey.Fault(random.Next(3) == 0 ? 10_000 + step : random.Next(500));
                changes[key] = Hash256.Of([(byte)(step % 256), (byte)i, (byte)random.Next(256)]);
                all[key] = changes[key];
            }

            tree = tree.With(changes);
            Assert.Equal(MerkleTree.Root([.. all.Values]), tree.Root);
        }

        int index = 0;
        foreach ((StateKey key, Hash256 leaf) in all)
        {
            InclusionProof proof = tree.Prove(key)!;
            Assert.Equal(MerkleTree.Prove([.. all.Values], index).Path, proof.Path);
            Assert.True(MerkleTree.Verify(tree.Root, leaf, proof));
            index++;
        }
    }

    [Fact]
    public void Merkle_CertificateTransparencyLeaves_GiveTheKnownRoots()
    {
        // The test data of RFC 6962's reference implementation: leaves and the roots of the first n of them.
        string[] leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
            "606162636465666768696a6b6c6d6e6f"];
        string[] roots =
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (int n = 1; n <= leaves.Length; n++)
        {
            Hash256[] hashes = [.. leaves.Take(n).Select(l => MerkleTree.Leaf(Convert.FromHexString(l)))];
            Assert.Equal(roots[n - 1], MerkleTree.Root(hashes).ToString());
            for (int i = 0; i < n; i++)
            {
                Assert.True(MerkleTree.Verify(MerkleTree.Root(hashes), hashes[i], MerkleTree.Prove(hashes, i)));
            }
        }

        Assert.Equal(
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", MerkleTree.Root([]).ToString());
    }

    [Fact]
    public void Genesis_RoundTrip_IsTheSameAndOrderFree()
    {
        var chain = new TestChain();
        byte[] bytes = chain.Genesis.Encode();
        Assert.True(Genesis.TryDecode(bytes, out Genesis? read));
        Assert.Equal(chain.Genesis.Hash, read!.Hash);
        var shuffled = new Genesis(
            TestChain.ChainId, chain.Genesis.Validators, chain.Genesis.Gateways.Reverse(), [chain.Admin.Public]);
        Assert.Equal(bytes, shuffled.Encode());
        Assert.False(Genesis.TryDecode(new byte[] { 1 }, out _));
        Assert.False(Genesis.TryDecode((byte[])[.. bytes, 0], out _));
        Assert.Throws<ArgumentException>(() => new Genesis("Bad Id", read.Validators, [], read.Administrators));
        Assert.Throws<ArgumentException>(() => new Genesis("x", [], [], read.Administrators));
        Assert.Throws<ArgumentException>(() => new Genesis("x", read.Validators, [], []));
        Assert.Throws<ArgumentException>(() => new Genesis(
            "x", [read.Validators[0] with { Power = 0 }], [], read.Administrators));
        Assert.Throws<ArgumentException>(() => new Genesis(
            "x", read.Validators, [chain.Gateways[0].Public, chain.Gateways[0].Public], read.Administrators));
    }

    [Fact]
    public void VerifiedSignatures_Full_ForgetsTheOldestAndStillAnswers()
    {
        var cache = new VerifiedSignatures(capacity: 2);
        var key = new TestKey(5);
        for (int i = 0; i < 5; i++)
        {
            byte[] bytes = key.Sign("role", [(byte)i]);
            Assert.True(CoseSign1.TryDecode(bytes, out CoseSign1? message));
            Assert.True(cache.Verify(Hash256.Of(bytes), message!, key.Public, "role"));
            Assert.True(cache.Verify(Hash256.Of(bytes), message!, key.Public, "role"));
            Assert.False(cache.Verify(Hash256.Of(bytes), message!, key.Public, "other role"));
            Assert.False(cache.Verify(Hash256.Of(bytes), message!, new TestKey(6).Public, "role"));
        }
    }

    /// <summary>Two rounds, the second with a fault, and an abstention.</summary>
    internal static TestChain Played()
    {
        TestChain chain = new TestChain().ToRoundOne();
        chain.PlayRound((g, d) => chain.RandomValues((10 * g) + d));
        chain.Run();
        byte[] delta = chain.Delta(0, 0, chain.RandomValues(50));
        chain.RunAll(
            chain.Sign(chain.Gateways[0], chain.Commitment(delta)),
            chain.Sign(chain.Gateways[1], chain.Commitment(chain.Delta(1, 0, chain.RandomValues(51)))),
            chain.Sign(chain.Gateways[2], chain.Commitment()));
        chain.Run(
            chain.Sign(chain.Gateways[1], chain.Reveal(delta)), chain.Sign(chain.Gateways[0], chain.Reveal(delta)));
        for (int i = 0; i < 5; i++)
        {
            chain.Run();
        }

        return chain;
    }
}
