using FedIoT.Wire;

namespace FedIoT.Ledger.Tests;

public sealed class ProofTests
{
    [Fact]
    public void Path_OfEveryLeaf_LeadsToTheRootAndNoOtherDoes()
    {
        for (int count = 1; count <= 40; count++)
        {
            Hash256[] leaves = [.. Enumerable.Range(0, count).Select(i => MerkleTree.Leaf([(byte)i]))];
            Hash256 root = MerkleTree.Root(leaves);
            for (int index = 0; index < count; index++)
            {
                MerklePath path = MerklePath.From(MerkleTree.Prove(leaves, index));
                Assert.Equal(root, path.RootOf(leaves[index]));
                Assert.All(leaves.Where((_, i) => i != index), leaf => Assert.NotEqual(root, path.RootOf(leaf)));
                for (int step = 0; step < path.Steps.Count; step++)
                {
                    (bool SiblingIsLeft, Hash256 Sibling)[] turned = [.. path.Steps];
                    turned[step].SiblingIsLeft = !turned[step].SiblingIsLeft;
                    Assert.NotEqual(root, new MerklePath(turned).RootOf(leaves[index]));
                }
            }
        }
    }

    [Fact]
    public void Path_OfAProofThatDoesNotFitItsTree_IsTheCallersBug()
    {
        var proof = new InclusionProof(2, 5, [Hash256.Zero, Hash256.Zero]);
        Assert.Throws<ArgumentException>(() => MerklePath.From(proof));
        Assert.Throws<ArgumentException>(() => MerklePath.From(proof with { Count = 3 }));
        Assert.Throws<ArgumentException>(
            () => new MerklePath(Enumerable.Repeat((false, Hash256.Zero), MerklePath.StepsMax + 1)));
    }

    [Fact]
    public void InclusionProof_Count_IsNotCoveredByTheRoot()
    {
        // Why bundles carry a MerklePath: leaf 0 of 5 leaves has the same path as leaf 0 of 7.
        Hash256[] leaves = [.. Enumerable.Range(0, 5).Select(i => MerkleTree.Leaf([(byte)i]))];
        InclusionProof proof = MerkleTree.Prove(leaves, 0);
        Assert.True(MerkleTree.Verify(MerkleTree.Root(leaves), leaves[0], proof with { Count = 7 }));
    }

    [Fact]
    public void Entry_OfEveryKind_IsReadBack()
    {
        TestChain chain = StateTests.Played();
        LedgerState state = chain.State;
        Assert.All(state.Accounts.Values, a => Assert.Equal(
            new StateEntry.OfAccount(a), Read(state, StateKey.Account(a.Id))));
        Assert.All(state.Devices.Values, d => Assert.Equal(
            new StateEntry.OfDevice(d), Read(state, StateKey.Device(d.Id))));
        Assert.All(chain.Task.Versions, v => Assert.Equal(
            new StateEntry.OfVersion(chain.TaskId, v), Read(state, StateKey.Version(chain.TaskId, v.Version))));
        var task = Assert.IsType<StateEntry.OfTask>(Read(state, StateKey.Task(chain.TaskId)));
        Assert.Equal((chain.TaskId, "fans"), (task.Id, task.Specification.Name));
    }

    [Fact]
    public void Entry_UnderAnotherKeyOrMalformed_IsRefused()
    {
        TestChain chain = StateTests.Played();
        StateKey[] keys =
        [
            StateKey.Account(chain.Admin.Id), StateKey.Account(chain.Validator.Id),
            StateKey.Device(TestChain.DeviceOf(0, 0)), StateKey.Device(TestChain.DeviceOf(0, 1)),
            StateKey.Task(chain.TaskId), StateKey.Version(chain.TaskId, 0), StateKey.Version(chain.TaskId, 1),
        ];
        foreach (StateKey key in keys)
        {
            byte[] value = chain.State.GetValue(key)!.Value.ToArray();
            Assert.All(keys, k => Assert.Equal(k == key, StateEntry.TryRead(k, value, out _)));
            Assert.False(StateEntry.TryRead(key, (byte[])[.. value, 0], out _));
            for (int i = 0; i < value.Length; i++)
            {
                Assert.False(StateEntry.TryRead(key, value.AsMemory(0, i), out _));
            }
        }

        Assert.False(StateEntry.TryRead(StateKey.Chain, chain.State.GetValue(StateKey.Chain)!.Value, out _));
    }

    [Fact]
    public void Key_OfEveryKind_IsReadBackAndNothingElse()
    {
        var id = Hash256.Of("task"u8);
        StateKey[] keys =
        [
            StateKey.Chain, StateKey.Account(new AccountId(id)), StateKey.Device(new DeviceId("pump-1")),
            StateKey.Task(id), StateKey.Progress(id), StateKey.Statistics(id), StateKey.Fault(7),
            StateKey.Version(id, 3), StateKey.NodeKey(new AccountId(id)),
        ];
        foreach (StateKey key in keys)
        {
            Assert.True(StateKey.TryParse(key.Bytes, out StateKey? read));
            Assert.Equal(key, read);
        }

        byte[][] wrong = [[], [8], [0, 0], [1], [2], [2, 0xC3], [6, 0, 0, 0], [7, .. id.ToArray()], [16, 1]];
        Assert.All(wrong, w => Assert.False(StateKey.TryParse(w, out _)));
    }

    private static StateEntry Read(LedgerState state, StateKey key)
    {
        Assert.True(StateEntry.TryRead(key, state.GetValue(key)!.Value, out StateEntry? entry));
        return entry!;
    }
}
