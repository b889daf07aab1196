// Signatures of .NET nanoFramework's System.Net 1.11, as far as the device uses them. Never runs.

namespace System.Security.Cryptography.X509Certificates
{
    public class X509Certificate
    {
        public extern X509Certificate(byte[] certificate);
    }
}
