using FedIoT.Signing;

namespace FedIoT.Gateway.Configuration;

/// <summary>Which key signs: its address, never a secret.</summary>
/// <param name="Address">File, token or chip; paths in full.</param>
/// <param name="Place">Where it stands, for messages.</param>
internal sealed record KeyReference(SignerAddress Address, TextPlace Place);
