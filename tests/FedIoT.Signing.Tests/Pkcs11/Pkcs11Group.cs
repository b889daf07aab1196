using Xunit;

namespace FedIoT.Signing.Tests.Pkcs11;

/// <summary>A PKCS#11 module and its variables belong to the whole process, so these tests take turns.</summary>
[CollectionDefinition(Name)]
public sealed class Pkcs11Group : ICollectionFixture<TpmMachine>
{
    public const string Name = "PKCS#11";
}
