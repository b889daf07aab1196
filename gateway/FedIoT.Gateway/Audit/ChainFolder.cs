using FedIoT.Gateway.Application;
using FedIoT.Gateway.Cli;
using FedIoT.Ledger;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Audit;

/// <summary>Where the parts of a node's state directory are. Reading them changes nothing.</summary>
/// <param name="Blocks">Segment log of the block store.</param>
/// <param name="GenesisFile">The genesis, when the node wrote it down.</param>
/// <param name="Snapshots">State snapshots; may not exist.</param>
public sealed record ChainFolder(string Blocks, string GenesisFile, string Snapshots)
{
    private const int GenesisBytesMax = 1 << 20; // 4,096 gateways with P-256 keys are 300 KB

    /// <summary>Finds the parts in a node's state directory, or in its <c>chain/</c> alone.</summary>
    /// <exception cref="InputException">There is no block store.</exception>
    public static ChainFolder Find(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string state = Path.GetFullPath(path);
        string blocks = Path.Combine(state, "chain", "blocks");
        if (!Directory.Exists(blocks))
        {
            blocks = Path.Combine(state, "blocks");
            state = Path.GetDirectoryName(state) ?? state;
        }

        return Directory.Exists(blocks)
            ? new ChainFolder(
                blocks, Path.Combine(state, GenesisFileName.Text), Path.Combine(state, SnapshotStore.FolderName))
            : throw new InputException(
                $"{path} is no node's state directory: there is neither chain/blocks/ nor blocks/ in it"
                + (Directory.Exists(Path.Combine(path, "state", "chain"))
                    ? $"; did you mean {Path.Combine(path, "state")}?" : string.Empty));
    }

    /// <summary>Reads a genesis; null when its bytes are not one.</summary>
    /// <param name="file">A file, or null for the one of the state directory.</param>
    /// <exception cref="InputException">There is no such file.</exception>
    /// <exception cref="StorageException">It cannot be read, or is too long for a genesis.</exception>
    public Genesis? ReadGenesis(string? file)
    {
        string path = file ?? GenesisFile;
        byte[]? bytes = DurableFile.ReadAllBytesBounded(path, GenesisBytesMax);
        if (bytes is null)
        {
            throw new InputException(file is null
                ? $"there is no {path}: name the chain's genesis with --genesis FILE"
                : $"--genesis: there is no file {path}");
        }

        return Genesis.TryDecode(bytes, out Genesis? genesis) ? genesis : null;
    }

    /// <summary>Parses the option that pins the trust anchor; null when it was not given.</summary>
    /// <exception cref="InputException">Not 64 hexadecimal digits.</exception>
    public static Hash256? ParsePin(string? text) => text is null
        ? null
        : Hash256.TryParse(text, out Hash256 hash)
            ? hash
            : throw new InputException($"--genesis-hash is '{text}': expected 64 hexadecimal digits");
}
