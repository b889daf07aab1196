namespace FedIoT.Gateway.Configuration;

/// <summary>Where a secret or a file is: never the secret itself.</summary>
/// <param name="Text">As it stands in the configuration, such as <c>file:keys/node.key</c>.</param>
/// <param name="Path">Full path.</param>
/// <param name="Place">Where it stands, for messages.</param>
internal sealed record FileReference(string Text, string Path, TextPlace Place);
