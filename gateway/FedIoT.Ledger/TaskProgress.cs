using System.Collections.Immutable;
using System.Formats.Cbor;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>A task's progress entry as a snapshot holds it, before its models and deltas are put back.</summary>
internal sealed record TaskProgress(
    TaskPhase Phase, int Round, Height RoundStart, Height PhaseStart,
    ImmutableSortedSet<AccountId> StatisticsFrom, ImmutableSortedSet<AccountId> Expected,
    ImmutableArray<(Participation Participation, bool Revealed)> Acted,
    int ModelVersion, Hash256 ModelHash)
{
    public static TaskProgress Read(CborReader reader)
    {
        if (reader.ReadStartArray() != 9)
        {
            throw new CborContentException("Wrong number of fields.");
        }

        var phase = (TaskPhase)reader.ReadInt32();
        int round = reader.ReadInt32();
        var roundStart = new Height(reader.ReadInt64());
        var start = new Height(reader.ReadInt64());
        ImmutableSortedSet<AccountId> statisticsFrom = ReadAccounts(reader);
        ImmutableSortedSet<AccountId> expected = ReadAccounts(reader);
        int count = reader.ReadStartArray() ?? -1;
        var acted = ImmutableArray.CreateBuilder<(Participation, bool)>();
        for (int i = 0; i < count; i++)
        {
            acted.Add(ReadParticipation(reader));
        }

        reader.ReadEndArray();
        var progress = new TaskProgress(
            phase, round, roundStart, start, statisticsFrom, expected, acted.ToImmutable(), reader.ReadInt32(),
            new Hash256(reader.ReadDefiniteLengthByteString().Span));
        reader.ReadEndArray();
        return progress;
    }

    /// <summary>Gives every gateway that revealed its deltas back, checked against its commitment.</summary>
    public ImmutableSortedDictionary<AccountId, Participation> WithDeltas(List<SignedDelta> deltas)
    {
        var result = ImmutableSortedDictionary.CreateBuilder<AccountId, Participation>();
        int next = 0;
        foreach ((Participation participation, bool revealed) in Acted)
        {
            Participation whole = participation;
            if (revealed)
            {
                ImmutableArray<SignedDelta> own = [.. deltas.Skip(next).Take(participation.Count)];
                next += own.Length;
                if (MerkleTree.DeltaRoot(own.Select(d => d.Hash)) != participation.Root)
                {
                    throw new CborContentException("Deltas do not match their commitment.");
                }

                whole = participation with { Deltas = own };
            }

            result.Add(whole.Gateway, whole);
        }

        return next == deltas.Count
            ? result.ToImmutable()
            : throw new CborContentException("Deltas that nobody committed to.");
    }

    private static (Participation Participation, bool Revealed) ReadParticipation(CborReader reader)
    {
        if (reader.ReadStartArray() != 5)
        {
            throw new CborContentException("Wrong number of fields.");
        }

        var gateway = new AccountId(new Hash256(reader.ReadDefiniteLengthByteString().Span));
        var root = new Hash256(reader.ReadDefiniteLengthByteString().Span);
        int count = reader.ReadInt32();
        bool revealed = reader.ReadBoolean();
        var participation = new Participation(gateway, root, count) { FaultBits = reader.ReadInt32() };
        reader.ReadEndArray();
        return (participation, revealed);
    }

    private static ImmutableSortedSet<AccountId> ReadAccounts(CborReader reader)
    {
        int count = reader.ReadStartArray() ?? -1;
        var accounts = ImmutableSortedSet.CreateBuilder<AccountId>();
        for (int i = 0; i < count; i++)
        {
            accounts.Add(new AccountId(new Hash256(reader.ReadDefiniteLengthByteString().Span)));
        }

        reader.ReadEndArray();
        return accounts.ToImmutable();
    }
}
