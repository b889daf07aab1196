using System.Formats.Cbor;
using System.Runtime.InteropServices;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Training;

/// <summary>
/// What a gateway trained for a round, on disk before its commitment leaves: after a restart the reveal must be made
/// of exactly the deltas that were committed. It also holds the devices' error feedback for the next round.
/// </summary>
/// <param name="Task">Task id.</param>
/// <param name="Round">From 1.</param>
/// <param name="BaseModel">Hash of the model that training started from.</param>
/// <param name="Deltas">Signed deltas, ascending by device.</param>
public sealed record PendingRound(Hash256 Task, int Round, Hash256 BaseModel, IReadOnlyList<PendingDelta> Deltas)
{
    private const int FileBytesMax = 256 << 20;

    /// <summary>Writes the file durably.</summary>
    /// <exception cref="StorageException">The disk refused.</exception>
    public void Save(string path)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(5);
        writer.WriteInt32(1);
        writer.WriteByteString(Task.ToArray());
        writer.WriteInt32(Round);
        writer.WriteByteString(BaseModel.ToArray());
        writer.WriteStartArray(Deltas.Count);
        foreach (PendingDelta delta in Deltas)
        {
            writer.WriteStartArray(3);
            writer.WriteTextString(delta.Device.Text);
            writer.WriteByteString(delta.Signed);
            writer.WriteByteString(MemoryMarshal.AsBytes(delta.Residual.AsSpan()));
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteEndArray();
        DurableFile.Replace(path, writer.Encode());
    }

    /// <summary>Reads the file; null when there is none or it is damaged (then the round is trained again).</summary>
    public static PendingRound? Load(string path)
    {
        byte[]? bytes = DurableFile.ReadAllBytesBounded(path, FileBytesMax);
        if (bytes is null)
        {
            return null;
        }

        try
        {
            return Read(new CborReader(bytes, CborConformanceMode.Canonical));
        }
        catch (Exception e) when (
            e is CborContentException or InvalidOperationException or OverflowException or ArgumentException)
        {
            return null; // not what Save writes
        }
    }

    private static PendingRound? Read(CborReader reader)
    {
        if (reader.ReadStartArray() != 5 || reader.ReadInt32() != 1)
        {
            return null;
        }

        var task = new Hash256(reader.ReadByteString());
        int round = reader.ReadInt32();
        var baseModel = new Hash256(reader.ReadByteString());
        var deltas = new List<PendingDelta>();
        reader.ReadStartArray();
        while (reader.PeekState() != CborReaderState.EndArray)
        {
            reader.ReadStartArray();
            var device = new DeviceId(reader.ReadTextString());
            byte[] signed = reader.ReadByteString();
            float[] residual = MemoryMarshal.Cast<byte, float>(reader.ReadByteString()).ToArray();
            reader.ReadEndArray();
            deltas.Add(new PendingDelta(device, signed, residual));
        }

        reader.ReadEndArray();
        reader.ReadEndArray();
        return new PendingRound(task, round, baseModel, deltas);
    }
}
