using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger.Tests;

/// <summary>
/// Pinned results of a scripted chain. They change only with the format version: a difference on another machine or
/// after a refactoring is a fork.
/// </summary>
public sealed class GoldenTests
{
    [Fact]
    public void Genesis_Scripted_HasThePinnedHash() => Pin(
        "6b9b7a7e4c44c372477d5ae2dc1e0060fb4e658dee4f3d40d9c75dfc481a070b", new TestChain().Genesis.Hash);

    [Fact]
    public void Task_Scripted_HasThePinnedId() => Pin(
        "00996106d3688bf5efb35e5a2ebe1202fcc03576e50ef12b9dc8b69b2bb94f0c", new TestChain().TaskId);

    [Fact]
    public void Model_Initial_HasThePinnedHash()
    {
        var chain = new TestChain();
        int[] master = ModelState.InitialMaster(chain.Specification);
        Assert.Equal(2535, master[0]);
        Pin(
            "6f99275c5e6398082c948708a898d6f61ec658f5fd7a1563ad130bbbb75c42bf",
            ModelState.HashOf(chain.TaskId, 0, master));
    }

    [Fact]
    public void Chain_Scripted_HasThePinnedRoots()
    {
        TestChain chain = StateTests.Played();
        Pin(
            "d4caaff31ea91c26fff82672071b2004c7ea3b97bfc3ab12c4ee92263ad550f3",
            LedgerState.FromGenesis(chain.Genesis).StateRoot);
        Pin("669e2c2a58bca11883bb8613d854a8e59f3366b4caf024988d4da63189951491", chain.Task.Model.Hash);
        Pin("20333827e8f528f93d9334f05300bbfaf530b84a0e210a252f7fef1d370846df", chain.State.StateRoot);
        Pin(
            "4941b98b5ed77af4bad6f309362ca5e4423ea8b3ad63c5a61324a75294d35514",
            Hash256.Of(chain.State.EncodeSnapshot()));
    }

    [Fact]
    public void Transaction_Scripted_HasThePinnedHash() => Pin(
        "98bea3df80fefcdefecf67dd529eb625c13503a480493492f10d8a986c2e6b07",
        Hash256.Of(new TestKey(100).Sign(new RegisterDevice(new DeviceId("dev-00-000")), 1)));

    private static void Pin(string expected, Hash256 actual) =>
        Assert.True(expected == actual.ToString(), $"pinned {expected}, got {actual}");
}
