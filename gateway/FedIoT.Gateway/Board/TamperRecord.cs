using System.Globalization;
using System.Text;
using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Board;

/// <summary>
/// The alarm of an opened case, on disk until an administrator clears it: a file whose presence is the alarm, whatever
/// it holds. It holds the time.
/// </summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class TamperRecord
{
    /// <summary>File in the state folder.</summary>
    public const string FileName = "case-opened";

    private const int BytesMax = 64;

    private readonly string path;
    private bool isOnDisk;

    /// <summary>Reads what an earlier run left.</summary>
    /// <exception cref="StorageException">Whether there is an alarm cannot be known.</exception>
    public TamperRecord(string stateFolder)
    {
        path = Path.Combine(stateFolder, FileName);
        if (DurableFile.ReadAllBytesBounded(path, BytesMax) is { } text)
        {
            OpenedAt = long.TryParse(
                Encoding.ASCII.GetString(text).TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture,
                out long time) ? time : 0;
            isOnDisk = true;
        }
    }

    /// <summary>When the case was opened first, in milliseconds since 1970; null without an alarm, 0 when unknown.
    /// </summary>
    public long? OpenedAt { get; private set; }

    /// <summary>Raises the alarm; one that stands keeps its time.</summary>
    /// <exception cref="StorageException">It stands in memory only: <see cref="Persist"/> tries again.</exception>
    public void Raise(long now)
    {
        OpenedAt ??= now;
        Persist();
    }

    /// <summary>Brings an alarm to the disk that is not there yet.</summary>
    /// <exception cref="StorageException">It stands in memory only.</exception>
    public void Persist()
    {
        if (OpenedAt is { } openedAt && !isOnDisk)
        {
            byte[] text = Encoding.ASCII.GetBytes(openedAt.ToString(CultureInfo.InvariantCulture) + "\n");
            DurableFile.Replace(path, text, ownerOnly: true);
            isOnDisk = true;
        }
    }

    /// <summary>Ends the alarm.</summary>
    /// <exception cref="StorageException">It stands still.</exception>
    public void Clear()
    {
        DurableFile.Delete(path);
        OpenedAt = null;
        isOnDisk = false;
    }
}
