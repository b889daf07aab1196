public class GenericBox<T> { public T Value; }
