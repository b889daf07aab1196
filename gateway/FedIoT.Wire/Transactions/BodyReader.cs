using System.Formats.Cbor;
using FedIoT.Wire.Cose;

namespace FedIoT.Wire.Transactions;

/// <summary>Reads bodies; throws <see cref="CborContentException"/> for a shape that is not specified.</summary>
internal static class BodyReader
{
    public static TransactionBody? Read(TransactionType type, CborReader reader) => type switch
    {
        TransactionType.RegisterGateway => ReadRegisterGateway(reader),
        TransactionType.RegisterTrainingKey => ReadRegisterTrainingKey(reader),
        TransactionType.RegisterDevice => ReadRegisterDevice(reader),
        TransactionType.CreateTask => ReadCreateTask(reader),
        TransactionType.SubmitStatistics => ReadSubmitStatistics(reader),
        TransactionType.CommitDeltas => ReadCommitDeltas(reader),
        TransactionType.RevealDeltas => ReadRevealDeltas(reader),
        TransactionType.VotePower => ReadVotePower(reader),
        TransactionType.RotateNodeKey => ReadRotateNodeKey(reader),
        TransactionType.RevokeNodeKey => ReadRevokeNodeKey(reader),
        TransactionType.RecoverNodeKey => ReadRecoverNodeKey(reader),
        _ => null,
    };

    public static Hash256 ReadHash(CborReader reader)
    {
        ReadOnlyMemory<byte> bytes = reader.ReadDefiniteLengthByteString();
        return bytes.Length == Hash256.Length
            ? new Hash256(bytes.Span)
            : throw new CborContentException("A hash has 32 bytes.");
    }

    public static DeviceId ReadDevice(CborReader reader) =>
        DeviceId.TryParse(reader.ReadTextString(), out DeviceId device)
            ? device
            : throw new CborContentException("Not a device id.");

    public static int ReadCount(CborReader reader)
    {
        int value = reader.ReadInt32();
        return value >= 0 ? value : throw new CborContentException("Negative count.");
    }

    private static void StartArray(CborReader reader, int length)
    {
        if (reader.ReadStartArray() != length)
        {
            throw new CborContentException("Wrong number of fields.");
        }
    }

    private static int StartList(CborReader reader)
    {
        // Every item has at least one byte, so a longer claim is a lie and nothing is allocated for it.
        int count = reader.ReadStartArray() ?? throw new CborContentException("Indefinite length.");
        return count <= reader.BytesRemaining ? count : throw new CborContentException("More items than bytes.");
    }

    private static VerifyingKey ReadKey(CborReader reader)
    {
        StartArray(reader, 2);
        var algorithm = (SignatureAlgorithm)reader.ReadInt32();
        ReadOnlyMemory<byte> bytes = reader.ReadDefiniteLengthByteString();
        reader.ReadEndArray();
        return VerifyingKey.TryImport(algorithm, bytes.Span, out VerifyingKey? key)
            ? key!
            : throw new CborContentException("Not a public key.");
    }

    private static RegisterGateway ReadRegisterGateway(CborReader reader) => new(ReadKey(reader));

    private static RegisterTrainingKey ReadRegisterTrainingKey(CborReader reader) => new(ReadKey(reader));

    private static RegisterDevice ReadRegisterDevice(CborReader reader)
    {
        StartArray(reader, 1);
        DeviceId device = ReadDevice(reader);
        reader.ReadEndArray();
        return new RegisterDevice(device);
    }

    private static CreateTask ReadCreateTask(CborReader reader)
    {
        StartArray(reader, 1);
        ReadOnlyMemory<byte> specification = reader.ReadDefiniteLengthByteString();
        reader.ReadEndArray();
        return new CreateTask(specification);
    }

    private static SubmitStatistics ReadSubmitStatistics(CborReader reader)
    {
        StartArray(reader, 2);
        Hash256 task = ReadHash(reader);
        var devices = new DeviceStatistics[StartList(reader)];
        for (int i = 0; i < devices.Length; i++)
        {
            StartArray(reader, 4);
            DeviceId device = ReadDevice(reader);
            long count = reader.ReadInt64();
            long[] sums = ReadNumbers(reader);
            long[] squares = ReadNumbers(reader);
            reader.ReadEndArray();
            devices[i] = new DeviceStatistics(device, count, sums, squares);
        }

        reader.ReadEndArray();
        reader.ReadEndArray();
        return new SubmitStatistics(task, devices);
    }

    private static long[] ReadNumbers(CborReader reader)
    {
        var numbers = new long[StartList(reader)];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = reader.ReadInt64();
        }

        reader.ReadEndArray();
        return numbers;
    }

    private static CommitDeltas ReadCommitDeltas(CborReader reader)
    {
        StartArray(reader, 4);
        Hash256 task = ReadHash(reader);
        int round = ReadCount(reader);
        Hash256 root = ReadHash(reader);
        int count = ReadCount(reader);
        reader.ReadEndArray();
        return new CommitDeltas(task, round, root, count);
    }

    private static VotePower ReadVotePower(CborReader reader)
    {
        StartArray(reader, 2);
        var candidate = new AccountId(ReadHash(reader));
        long power = reader.ReadInt64();
        reader.ReadEndArray();
        return power >= 0 ? new VotePower(candidate, power) : throw new CborContentException("Negative power.");
    }

    private static RevealDeltas ReadRevealDeltas(CborReader reader)
    {
        StartArray(reader, 3);
        Hash256 task = ReadHash(reader);
        int round = ReadCount(reader);
        var deltas = new ReadOnlyMemory<byte>[StartList(reader)];
        for (int i = 0; i < deltas.Length; i++)
        {
            deltas[i] = reader.ReadDefiniteLengthByteString();
        }

        reader.ReadEndArray();
        reader.ReadEndArray();
        return new RevealDeltas(task, round, deltas);
    }

    private static RotateNodeKey ReadRotateNodeKey(CborReader reader)
    {
        StartArray(reader, 2);
        VerifyingKey key = ReadKey(reader);
        ReadOnlyMemory<byte> proof = reader.ReadDefiniteLengthByteString();
        reader.ReadEndArray();
        return proof.Length == VerifyingKey.SignatureLength
            ? new RotateNodeKey(key, proof)
            : throw new CborContentException("A signature has 64 bytes.");
    }

    private static RevokeNodeKey ReadRevokeNodeKey(CborReader reader)
    {
        StartArray(reader, 0);
        reader.ReadEndArray();
        return new RevokeNodeKey();
    }

    private static RecoverNodeKey ReadRecoverNodeKey(CborReader reader)
    {
        StartArray(reader, 2);
        var account = new AccountId(ReadHash(reader));
        VerifyingKey key = ReadKey(reader);
        reader.ReadEndArray();
        return new RecoverNodeKey(account, key);
    }
}
