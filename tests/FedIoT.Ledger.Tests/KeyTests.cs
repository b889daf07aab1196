using FedIoT.Ledger.Events;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger.Tests;

/// <summary>Keys change and end; accounts, and what a retired key answers for, stay.</summary>
public sealed class KeyTests
{
    private static readonly TestKey Second = new(301);
    private static readonly TestKey Third = new(302);

    [Fact]
    public void Rotate_Validator_KeepsAccountPowerAndStakeUnderAnotherKey()
    {
        var chain = new TestChain();
        Account before = chain.State.Accounts[chain.Validator.Id];

        BlockOutcome outcome = chain.Run(
            chain.Sign(chain.Validator, chain.Rotation(chain.Validator, Second)));

        Assert.Equal([null], outcome.Rejections);
        Account after = chain.State.Accounts[chain.Validator.Id];
        Assert.Equal(
            before with { Key = Second.Public, Nonce = 1, Rotations = 1, KeySince = new Height(3) }, after);
        Assert.Equal(chain.Validator.Id, after.Id);
        Assert.Equal(after, chain.State.FindHolder(Second.Id));
        Assert.Equal(after, chain.State.FindHolder(chain.Validator.Id));
        Assert.Equal(
            [(chain.Validator.Public, 0L), (Second.Public, 10L)],
            outcome.Events.OfType<ValidatorPowerChanged>().Select(e => (e.Key, e.Power)));
        Assert.Equal(
            new NodeKeyRotated(chain.Validator.Id, chain.Validator.Public, Second.Public, new Height(3)),
            Assert.Single(outcome.Events.OfType<NodeKeyRotated>()));
    }

    [Fact]
    public void Rotate_Chain_KeepsEveryKeyWithItsHeights()
    {
        var chain = new TestChain();
        chain.Rotate(chain.Gateways[0], Second); // height 1, in force from 3
        chain.Run();
        chain.Rotate(Second, Third); // height 3, in force from 5
        NodeKeyRecord?[] records =
            [.. new[] { chain.Gateways[0], Second, Third }.Select(k => chain.State.FindKey(k.Id))];

        Assert.Equal([0L, 3, 5], records.Select(r => r!.From.Value));
        Assert.Equal([2L, 4, 0], records.Select(r => r!.Until.Value));
        Assert.All(records, r => Assert.Equal(chain.Gateways[0].Id, r!.Account));
        Assert.Equal([true, false], new[] { 4L, 5 }.Select(h => records[1]!.Covers(new Height(h))));
        Assert.True(records[2]!.Covers(new Height(1_000)));
        Assert.Null(chain.RunOne(Third, new RegisterDevice(new DeviceId("d"))));
        Assert.Equal(chain.Gateways[0].Id, chain.State.Devices[new DeviceId("d")].Gateway);
        Assert.True(LedgerState.TryDecodeSnapshot(chain.State.EncodeSnapshot(), out LedgerState? again));
        Assert.Equal(chain.State.Keys, again!.Keys);
        Assert.Equal(chain.State.StateRoot, RejectionTests.Replay(chain, chain.Blocks.Count).StateRoot);
    }

    [Fact]
    public void RetiredKey_CanDoNothingAndNeverComesBack()
    {
        var chain = new TestChain();
        TestKey old = chain.Gateways[0];
        byte[] earlier = old.Sign(new RegisterDevice(new DeviceId("late")), 2);
        Assert.Null(chain.State.CheckTransaction(earlier, new VerifiedSignatures()));
        chain.Rotate(old, Second);
        Hash256 root = chain.State.StateRoot;

        Assert.Equal(RejectionReason.KeyRetired, chain.State.CheckTransaction(earlier, new VerifiedSignatures()));
        Assert.Empty(chain.State.PrepareBlock([earlier], int.MaxValue));
        Assert.Equal([RejectionReason.KeyRetired], chain.Run(earlier).Rejections);
        Assert.Equal(root, chain.State.StateRoot);
        Assert.Equal(
            RejectionReason.NodeKeyUsed, chain.RunOne(chain.Admin, new RegisterGateway(old.Public)));
        Assert.Equal(RejectionReason.NodeKeyUsed, chain.RunOne(Second, chain.Rotation(Second, old)));
        Assert.Equal(
            RejectionReason.NodeKeyUsed, chain.RunOne(chain.Gateways[1], chain.Rotation(chain.Gateways[1], Second)));
    }

    [Fact]
    public void Rotate_InOneBlockWithOtherTransactions_EndsTheOldKeyThere()
    {
        var chain = new TestChain();
        TestKey old = chain.Gateways[0];
        byte[] rotation = old.Sign(chain.Rotation(old, Second), 1);
        byte[] behind = old.Sign(new RegisterDevice(new DeviceId("d")), 2);
        Assert.Equal(2, chain.State.PrepareBlock([rotation, behind], int.MaxValue).Count);

        Assert.Equal(
            [null, RejectionReason.KeyRetired, null],
            chain.Run(rotation, behind, Second.Sign(new RegisterDevice(new DeviceId("d")), 2)).Rejections);
    }

    [Fact]
    public void RotationProof_OfAnotherChainAccountKeyOrNonce_IsRefused()
    {
        var chain = new TestChain();
        AccountId id = chain.Gateways[0].Id;
        Wire.Cose.VerifyingKey old = chain.Gateways[0].Public;
        byte[][] wrong =
        [
            RotateNodeKey.ProofSignBytes("other", id, old, Second.Public, 1),
            RotateNodeKey.ProofSignBytes(TestChain.ChainId, chain.Gateways[1].Id, old, Second.Public, 1),
            RotateNodeKey.ProofSignBytes(TestChain.ChainId, id, chain.Admin.Public, Second.Public, 1),
            RotateNodeKey.ProofSignBytes(TestChain.ChainId, id, old, Second.Public, 2),
        ];
        foreach (byte[] bytes in wrong)
        {
            byte[] transaction = chain.Gateways[0].Sign(new RotateNodeKey(Second.Public, Second.SignRaw(bytes)), 1);
            Assert.Equal(
                RejectionReason.KeyProofInvalid, chain.State.CheckTransaction(transaction, new VerifiedSignatures()));
        }

        Assert.Null(chain.RunOne(chain.Gateways[0], chain.Rotation(chain.Gateways[0], Second)));
    }

    [Fact]
    public void RegisterGateway_PresentKeyOfAnAccount_GivesTheAccountTheRole()
    {
        var chain = new TestChain();
        chain.Rotate(chain.Validator, Second);
        Assert.Null(chain.RunOne(chain.Admin, new RegisterGateway(Second.Public)));
        Assert.True(chain.State.Accounts[chain.Validator.Id].Has(AccountRoles.Gateway | AccountRoles.Validator));
        Assert.DoesNotContain(Second.Id, chain.State.Accounts.Keys);
    }

    [Fact]
    public void Revoke_Gateway_EndsRolesAndIsNotWaitedFor()
    {
        TestChain chain = new TestChain().ToRoundOne();
        BlockOutcome outcome = chain.Run(chain.Sign(chain.Gateways[2], new RevokeNodeKey()));

        Assert.Equal([null], outcome.Rejections);
        Account account = chain.State.Accounts[chain.Gateways[2].Id];
        Assert.Equal((AccountRoles.None, 0L, true), (account.Roles, account.Power, account.IsRevoked));
        Assert.DoesNotContain(account.Id, chain.Task.Expected);
        Assert.DoesNotContain(account.Id, chain.State.GatewaysWithDevices().Select(a => a.Id));
        Assert.Equal(
            RejectionReason.NodeKeyUsed, chain.RunOne(chain.Admin, new RegisterGateway(chain.Gateways[2].Public)));
        chain.RunAll(
            chain.Sign(chain.Gateways[0], chain.Commitment()), chain.Sign(chain.Gateways[1], chain.Commitment()));
        Assert.Equal(TaskPhase.Pending, chain.Task.Phase); // closed without it
        chain.Run();
        Assert.DoesNotContain(account.Id, chain.Task.Expected);
    }

    [Fact]
    public void TrainingKey_ChangedWithinARound_HoldsFromTheNextRound()
    {
        TestChain chain = new TestChain(gateways: 1, devicesPerGateway: 1).ToRoundOne();
        byte[] delta = chain.Delta(0, 0, chain.RandomValues(1));
        chain.RunAll(chain.Sign(chain.Gateways[0], chain.Commitment(delta)));
        chain.RunAll(chain.Sign(chain.Gateways[0], new RegisterTrainingKey(Second.Public)));
        byte[] early = chain.Delta(0, 0, chain.RandomValues(1), key: Second);
        Assert.Equal(RejectionReason.RevealMismatch, chain.RunOne(chain.Gateways[0], chain.Reveal(early)));
        chain.RunAll(chain.Sign(chain.Gateways[0], chain.Reveal(delta)));

        chain.Run(); // round 2 opens
        byte[] next = chain.Delta(0, 0, chain.RandomValues(2), key: Second);
        chain.RunAll(chain.Sign(chain.Gateways[0], chain.Commitment(next)));
        chain.RunAll(chain.Sign(chain.Gateways[0], chain.Reveal(next)));

        chain.Run(); // round 3 opens
        byte[] late = chain.Delta(0, 0, chain.RandomValues(3));
        chain.RunAll(chain.Sign(chain.Gateways[0], chain.Commitment(late)));
        Assert.Equal(RejectionReason.DeltaSignature, chain.RunOne(chain.Gateways[0], chain.Reveal(late)));
    }

    [Fact]
    public void Entry_OfARecordedKey_IsProvedAndReadBack()
    {
        var chain = new TestChain();
        chain.Rotate(chain.Validator, Second);
        foreach (TestKey key in new[] { chain.Validator, Second })
        {
            StateProof proof = chain.State.Prove(StateKey.NodeKey(key.Id))!;
            Assert.True(proof.Verify(chain.State.StateRoot));
            Assert.True(StateEntry.TryRead(proof.Key, proof.Value, out StateEntry? entry));
            Assert.Equal(new StateEntry.OfNodeKey(chain.State.FindKey(key.Id)!), entry);
        }
    }
}
