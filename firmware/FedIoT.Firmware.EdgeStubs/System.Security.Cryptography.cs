// Signatures of .NET nanoFramework's System.Security.Cryptography 1.0, as far as the device uses them. Never runs.

namespace System.Security.Cryptography
{
    public class HMACSHA256 : IDisposable
    {
        public extern HMACSHA256(byte[] key);

        public extern byte[] ComputeHash(byte[] buffer);

        public extern void Dispose();
    }
}
