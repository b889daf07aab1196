using System.Collections.Immutable;
using FedIoT.Ledger.Events;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>Commitments and reveals of a round.</summary>
internal static class RoundRules
{
    public static RejectionReason? Apply(BlockExecution block, Account signer, CommitDeltas commit)
    {
        TaskState? task = block.FindTask(commit.Task);
        if (FindMoment(task, TaskPhase.Commit, commit.Round) is RejectionReason moment)
        {
            return moment;
        }

        if (!task!.Expected.Contains(signer.Id))
        {
            return RejectionReason.NotExpected;
        }

        if (task.Participations.ContainsKey(signer.Id))
        {
            return RejectionReason.AlreadyCommitted;
        }

        if (commit.Count > signer.DeviceCount)
        {
            return RejectionReason.TooManyDeltas;
        }

        long total = task.Participations.Values.Sum(p => (long)p.Count) + commit.Count;
        if (total > LedgerLimits.DeltasPerRoundMax
            || total * task.Specification.Architecture.ParameterCount > LedgerLimits.DeltaBytesPerRoundMax)
        {
            return RejectionReason.RoundFull;
        }

        var participation = new Participation(signer.Id, commit.Root, commit.Count);
        block.Put(task with { Participations = task.Participations.Add(signer.Id, participation) });
        block.Emit(new DeltasCommitted(task.Id, task.Round, signer.Id, commit.Count));
        return null;
    }

    public static RejectionReason? Apply(BlockExecution block, Account signer, RevealDeltas reveal)
    {
        TaskState? task = block.FindTask(reveal.Task);
        if (FindMoment(task, TaskPhase.Reveal, reveal.Round) is RejectionReason moment)
        {
            return moment;
        }

        if (!task!.Participations.TryGetValue(signer.Id, out Participation? participation) || participation.Count == 0)
        {
            return RejectionReason.NothingCommitted;
        }

        if (participation.IsDone)
        {
            return RejectionReason.AlreadyRevealed;
        }

        // The commitment is to hashes of bytes, so it is compared before the bytes mean anything.
        Hash256 root = MerkleTree.DeltaRoot(reveal.SignedDeltas.Select(d => Hash256.Of(d.Span)));
        if (reveal.SignedDeltas.Count != participation.Count || root != participation.Root)
        {
            block.Strike(task, participation, FaultKind.RevealMismatch, block.CurrentTransaction);
            return RejectionReason.RevealMismatch;
        }

        RejectionReason? problem = Read(block, task, signer, reveal, out ImmutableArray<SignedDelta> deltas);
        if (problem is not null)
        {
            FaultKind kind = problem == RejectionReason.DeltaDuplicate
                ? FaultKind.DuplicateDelta
                : FaultKind.InvalidDelta;
            block.Strike(task, participation, kind, block.CurrentTransaction);
            return problem;
        }

        Participation done = participation with { Deltas = deltas };
        block.Put(task with { Participations = task.Participations.SetItem(signer.Id, done) });
        block.Emit(new DeltasRevealed(task.Id, task.Round, signer.Id, deltas.Length));
        return null;
    }

    private static RejectionReason? FindMoment(TaskState? task, TaskPhase phase, int round)
    {
        if (task is null)
        {
            return RejectionReason.UnknownTask;
        }

        if (task.Phase != phase)
        {
            return RejectionReason.WrongPhase;
        }

        return task.Round == round ? null : RejectionReason.WrongRound;
    }

    private static RejectionReason? Read(
        BlockExecution block, TaskState task, Account signer, RevealDeltas reveal,
        out ImmutableArray<SignedDelta> deltas)
    {
        deltas = default;
        var read = ImmutableArray.CreateBuilder<SignedDelta>(reveal.SignedDeltas.Count);
        HashSet<Hash256> contents = [.. task.Participations.Values
            .Where(p => !p.Deltas.IsDefault).SelectMany(p => p.Deltas).Select(d => d.ValuesHash)];
        foreach (ReadOnlyMemory<byte> bytes in reveal.SignedDeltas)
        {
            if (!SignedDelta.TryDecode(bytes, out SignedDelta? delta))
            {
                return RejectionReason.DeltaMalformed;
            }

            if (read.Count > 0 && delta!.Device <= read[^1].Device)
            {
                return RejectionReason.DeltaOrder;
            }

            if (FindProblem(block, task, signer, delta!) is RejectionReason problem)
            {
                return problem;
            }

            // Two devices with nothing to say may both say zero; any other equal pair is a copy.
            if (!contents.Add(delta!.ValuesHash) && delta.Values.ContainsAnyExcept((sbyte)0))
            {
                return RejectionReason.DeltaDuplicate;
            }

            read.Add(delta);
        }

        deltas = read.MoveToImmutable();
        return null;
    }

    private static RejectionReason? FindProblem(
        BlockExecution block, TaskState task, Account signer, SignedDelta delta)
    {
        if (signer.TrainingKeyAt(task.RoundStart) is not VerifyingKey key
            || !block.Cache.Verify(delta.Hash, delta.Message, key, SignedDelta.Role))
        {
            return RejectionReason.DeltaSignature;
        }

        if (delta.Task != task.Id || delta.Round != task.Round)
        {
            return RejectionReason.DeltaElsewhere;
        }

        if (delta.BaseModel != task.Model.Hash)
        {
            return RejectionReason.DeltaBase;
        }

        if (block.FindDevice(delta.Device)?.Gateway != signer.Id)
        {
            return RejectionReason.DeltaDevice;
        }

        if (delta.Values.Length != task.Specification.Architecture.ParameterCount)
        {
            return RejectionReason.DeltaLength;
        }

        return delta.Values.Contains(sbyte.MinValue) ? RejectionReason.DeltaRange : null;
    }
}
