using FedIoT.Ledger.Events;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>
/// The life of keys: a node key is changed with the consent of both keys or ended by itself; a training key is changed
/// by the node key. docs/spec/transactions.md "Change of a node key", docs/spec/round.md "Keys".
/// </summary>
internal static class KeyRules
{
    // As every change of the validator set: the next height is being decided already.
    private const int HeightsUntilInForce = 2;

    public static RejectionReason? Apply(BlockExecution block, Account signer, RotateNodeKey rotate)
    {
        if (FindProblem(block, signer, rotate) is { } problem)
        {
            return problem;
        }

        VerifyingKey old = signer.Key;
        var last = new Height(block.Height.Value + HeightsUntilInForce - 1);
        block.Put(new NodeKeyRecord(old, signer.Id, signer.KeySince, last));
        block.Put(new NodeKeyRecord(rotate.NewKey, signer.Id, last.Next, Height.Genesis));
        block.Put(signer with { Key = rotate.NewKey, KeySince = last.Next, Rotations = signer.Rotations + 1 });
        block.Emit(new NodeKeyRotated(signer.Id, old, rotate.NewKey, last.Next));
        if (signer.Power > 0)
        {
            block.Emit(new ValidatorPowerChanged(old, Power: 0));
            block.Emit(new ValidatorPowerChanged(rotate.NewKey, signer.Power));
        }

        return null;
    }

    public static RejectionReason? Revoke(BlockExecution block, Account signer)
    {
        if (signer.Power > 0 && block.Accounts.All(a => a.Power == 0 || a.Id == signer.Id))
        {
            return RejectionReason.LastValidator; // somebody must decide blocks
        }

        var last = new Height(block.Height.Value + HeightsUntilInForce - 1);
        block.Put(new NodeKeyRecord(signer.Key, signer.Id, signer.KeySince, last));
        block.Put(signer with { Roles = AccountRoles.None, Power = 0, RevokedAt = block.Height });
        block.Emit(new NodeKeyRevoked(signer.Id));
        if (signer.Power > 0)
        {
            block.Emit(new ValidatorPowerChanged(signer.Key, Power: 0));
        }

        foreach (TaskState task in block.Tasks.Where(t => t.Phase == TaskPhase.Commit).ToList())
        {
            if (task.Expected.Contains(signer.Id) && !task.Participations.ContainsKey(signer.Id))
            {
                block.Put(task with { Expected = task.Expected.Remove(signer.Id) }); // it cannot come any more
            }
        }

        return null;
    }

    public static RejectionReason? Apply(BlockExecution block, Account signer, RegisterTrainingKey register)
    {
        VerifyingKey key = register.TrainingKey;
        if (key.Algorithm != SignatureAlgorithm.EdDsa)
        {
            return RejectionReason.TrainingKeyAlgorithm;
        }

        if (key.Equals(signer.TrainingKey) || key.Equals(signer.PreviousTrainingKey))
        {
            return RejectionReason.TrainingKeyUsed;
        }

        // Two keys are remembered: a round that still needs the older one must close before there is a third.
        if (block.Tasks.Any(t => t.Phase is TaskPhase.Commit or TaskPhase.Reveal && t.Expected.Contains(signer.Id)
            && t.RoundStart <= signer.TrainingKeySince))
        {
            return RejectionReason.TrainingKeyTooSoon;
        }

        block.Put(signer with
        {
            TrainingKey = key,
            TrainingKeySince = block.Height,
            PreviousTrainingKey = signer.TrainingKey,
        });
        block.Emit(new TrainingKeyRegistered(signer.Id, key.Account));
        return null;
    }

    private static RejectionReason? FindProblem(BlockExecution block, Account signer, RotateNodeKey rotate)
    {
        if (block.FindKey(rotate.NewKey.Account) is not null)
        {
            return RejectionReason.NodeKeyUsed;
        }

        if (block.Height < signer.KeySince)
        {
            return RejectionReason.RotationTooSoon;
        }

        if (signer.Rotations >= LedgerLimits.RotationsMax)
        {
            return RejectionReason.TooManyRotations;
        }

        return IsProven(block.Genesis.ChainId, signer, signer.Nonce, rotate)
            ? null
            : RejectionReason.KeyProofInvalid;
    }

    /// <summary>True when the new key signed that it comes to this account by this transaction.</summary>
    public static bool IsProven(string chainId, Account signer, ulong nonce, RotateNodeKey rotate) =>
        rotate.NewKey.Verify(
            RotateNodeKey.ProofSignBytes(chainId, signer.Id, signer.Key, rotate.NewKey, nonce), rotate.Proof.Span);
}
