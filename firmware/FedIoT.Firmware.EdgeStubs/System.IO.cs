// Signatures of .NET nanoFramework's System.IO.FileSystem 1.1, as far as the device uses them. Never runs.

namespace System.IO
{
    public static class File
    {
        public static extern bool Exists(string path);

        public static extern byte[] ReadAllBytes(string path);

        public static extern void WriteAllBytes(string path, byte[] bytes);
    }
}
