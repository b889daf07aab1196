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
        "?genesis", new TestChain().Genesis.Hash);

    [Fact]
    public void Task_Scripted_HasThePinnedId() => Pin(
        "?task", new TestChain().TaskId);

    [Fact]
    public void Model_Initial_HasThePinnedHash()
    {
        var chain = new TestChain();
        int[] master = ModelState.InitialMaster(chain.Specification);
        Assert.Equal(2535, master[0]);
        Pin("?initial", ModelState.HashOf(chain.TaskId, 0, master));
    }

    [Fact]
    public void Chain_Scripted_HasThePinnedRoots()
    {
        TestChain chain = StateTests.Played();
        Pin("?first", LedgerState.FromGenesis(chain.Genesis).StateRoot);
        Pin("?model", chain.Task.Model.Hash);
        Pin("?root", chain.State.StateRoot);
        Pin("?snapshot", Hash256.Of(chain.State.EncodeSnapshot()));
    }

    [Fact]
    public void Transaction_Scripted_HasThePinnedHash() => Pin(
        "?transaction", Hash256.Of(new TestKey(100).Sign(new RegisterDevice(new DeviceId("dev-00-000")), 1)));

    private static void Pin(string expected, Hash256 actual) =>
        Assert.True(expected == actual.ToString(), $"pinned {expected}, got {actual}");
}
