using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Application;

/// <summary>
/// A snapshot's bytes, open for reading: they stay readable after newer snapshots have taken the file's place.
/// </summary>
/// <param name="file">Owned.</param>
internal sealed class SnapshotFile(IDiskFile file) : IDisposable
{
    /// <summary>Bytes of it.</summary>
    public long Length { get; } = file.Length;

    /// <summary>Reads a part; false when the disk does not give it.</summary>
    public bool TryRead(long offset, Span<byte> part)
    {
        try
        {
            return file.Read(offset, part) == part.Length;
        }
        catch (IOException)
        {
            return false; // a peer that asks for it asks another one
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
