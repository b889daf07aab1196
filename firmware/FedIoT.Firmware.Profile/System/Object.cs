// Signature of .NET nanoFramework's mscorlib 1.17, as far as the firmware may use it. Never runs.

namespace System
{
    public class Object
    {
        public extern Object();

        public virtual extern bool Equals(object obj);

        public virtual extern int GetHashCode();

        public virtual extern string ToString();
    }
}
