namespace FedIoT.Storage.Files;

/// <summary>An open file of an <see cref="IDisk"/>. Reads may run beside each other; writes have one owner.</summary>
internal interface IDiskFile : IDisposable
{
    /// <summary>Length in bytes.</summary>
    long Length { get; }

    /// <summary>Reads up to the buffer's length; fewer only at the end of the file.</summary>
    int Read(long offset, Span<byte> buffer);

    /// <summary>Writes all bytes at an offset. Not durable before <see cref="Sync"/>.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Cuts or extends the file. Not durable before <see cref="Sync"/>.</summary>
    void SetLength(long length);

    /// <summary>Makes content and length durable, not the name: see <see cref="IDisk.SyncFolder"/>.</summary>
    void Sync();
}
