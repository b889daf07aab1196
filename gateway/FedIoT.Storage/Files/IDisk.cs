namespace FedIoT.Storage.Files;

/// <summary>
/// The few operations that durability is made of. Product code runs on <see cref="RealDisk"/>; the crash tests run
/// the same code on a simulated disk that loses what was not synced. Failures are <see cref="IOException"/> or
/// <see cref="UnauthorizedAccessException"/>.
/// </summary>
internal interface IDisk
{
    /// <summary>Creates a folder and its parents; nothing when it is there.</summary>
    void CreateFolder(string folder);

    /// <summary>Full paths of the files in a folder, in no order.</summary>
    IReadOnlyList<string> ListFiles(string folder);

    /// <summary>Takes the folder for this process until disposed; fails when another holds it.</summary>
    IDisposable LockFolder(string folder);

    /// <summary>Opens a file that exists; null when it does not.</summary>
    IDiskFile? Open(string path, bool writable);

    /// <summary>Creates a file; fails when the name is taken.</summary>
    /// <param name="path">Where.</param>
    /// <param name="ownerOnly">True: mode 0600 where the system has modes.</param>
    IDiskFile Create(string path, bool ownerOnly);

    /// <summary>Renames a file over another one of the same folder, in one step.</summary>
    void Rename(string from, string to);

    /// <summary>Deletes a file; nothing when it does not exist.</summary>
    void Delete(string path);

    /// <summary>Makes creations, renames and deletions in a folder durable.</summary>
    void SyncFolder(string folder);
}
