namespace FedIoT.Storage.Files;

/// <summary>
/// The environment failed an operation on a file, or a file does not hold what was written to it. The message names
/// the operation, the file and, where there is one, the offset.
/// </summary>
public sealed class StorageException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="operation">What was tried, such as "flush".</param>
    /// <param name="path">The file or folder.</param>
    /// <param name="reason">What went wrong, for people.</param>
    /// <param name="inner">What the operating system or the database said.</param>
    public StorageException(string operation, string path, string reason, Exception? inner = null)
        : base($"Cannot {operation} {path}: {reason}", inner)
    {
        Operation = operation;
        Path = path;
    }

    /// <summary>What was tried.</summary>
    public string Operation { get; }

    /// <summary>The file or folder.</summary>
    public string Path { get; }
}
