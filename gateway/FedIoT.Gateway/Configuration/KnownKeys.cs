using System.Text;
using FedIoT.Gateway.Keys;
using FedIoT.Signing;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Configuration;

/// <summary>
/// The public halves of keys in hardware as an earlier start saw them, so that a gateway starts while its token is
/// away. A file for each key: <c>known-keys/IDENTITY.pub</c> in the state folder, docs/spec/keys.md.
/// </summary>
/// <param name="stateFolder">The state folder; need not exist for reading.</param>
internal sealed class KnownKeys(string stateFolder)
{
    private const int FileBytesMax = 256;
    private const string FolderName = "known-keys";

    /// <summary>The public half of a key; null when it was never opened here, or its file is not readable.</summary>
    public VerifyingKey? Find(SignerAddress address)
    {
        byte[]? bytes = DurableFile.ReadAllBytesBounded(PathOf(address), FileBytesMax);
        return bytes is not null && PublicKeyText.TryParse(
            Encoding.ASCII.GetString(bytes), algorithm: null, out VerifyingKey? key, out _) ? key : null;
    }

    /// <summary>Remembers a key in hardware; a key in a file is there when its file is.</summary>
    /// <exception cref="StorageException">The disk refused.</exception>
    public void Remember(SignerAddress address, VerifyingKey key)
    {
        if (!address.IsHardware || key.Equals(Find(address)))
        {
            return;
        }

        Directory.CreateDirectory(Path.Combine(stateFolder, FolderName));
        DurableFile.Replace(
            PathOf(address), Encoding.ASCII.GetBytes(Convert.ToHexStringLower(key.Bytes) + "\n"));
    }

    private string PathOf(SignerAddress address) => Path.Combine(
        stateFolder, FolderName, Hash256.Of(Encoding.UTF8.GetBytes(address.Identity)).ToString()[..16] + ".pub");
}
