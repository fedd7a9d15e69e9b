import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { xmlAttributesMax, xmlDepthMax, xmlElementsMax } from '../../src-main/serving/webdav/limits.ts';
import { readXml } from '../../src-main/serving/webdav/xml-reader.ts';
import { writeXml } from '../../src-main/serving/webdav/xml-writer.ts';
import { testSeed } from '../seed.ts';

const read = (text: string): ReturnType<typeof readXml> => readXml(Buffer.from(text));

describe('the XML of requests', () => {
  it('has names in namespaces, whatever the prefixes', () => {
    const one = read('<?xml version="1.0" encoding="UTF-8"?>\r\n<!-- so --><D:a xmlns:D="DAV:" xmlns:x="urn:x" x:k="1" k="2"><b/><x:c>t</x:c></D:a>');
    expect(one).toMatchObject({ namespace: 'DAV:', name: 'a' });
    expect(one.attributes).toEqual([{ namespace: 'urn:x', name: 'k', value: '1' }, { namespace: '', name: 'k', value: '2' }]);
    expect(one.children).toMatchObject([{ namespace: '', name: 'b' }, { namespace: 'urn:x', name: 'c', children: ['t'] }]);
    expect(read('<a xmlns="DAV:"><b xmlns=""/></a>').children).toMatchObject([{ namespace: '', name: 'b' }]);
  });

  it('has the five entities, character references and CDATA, and no others', () => {
    expect(read('<a>&lt;&#65;&#x1F600;&amp;amp;<![CDATA[<&x;]]>é</a>').children).toEqual(['<A😀&amp;<&x;é']);
    expect(read('<a k="&quot;\n&#10;"/>').attributes[0]?.value).toBe('" \n');
  });

  it.each([
    ['a billion laughs', '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><a>&lol2;</a>'],
    ['a document type that leads elsewhere', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'],
    ['an entity of its own', '<a>&lol;</a>'],
    ['half of an entity', '<a>a & b</a>'],
    ['a character that there is not', '<a>&#0;</a>'],
    ['half of a pair', '<a>&#xD800;</a>'],
    ['an element that does not end', '<a><b></a>'],
    ['nothing', ' '],
    ['two roots', '<a/><b/>'],
    ['text around', 'x<a/>'],
    ['a prefix of nothing', '<x:a/>'],
    ['a prefix that is declared to be of nothing', '<a xmlns:x=""/>'],
    ['another namespace for xml', '<a xmlns:xml="urn:x"/>'],
    ['an attribute twice', '<a b="1" b="2"/>'],
    ['an attribute twice, under two prefixes', '<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>'],
    ['an attribute without quotes', '<a b=1/>'],
    ['a tag in an attribute', '<a b="<"/>'],
    ['the end of CDATA in text', '<a>]]></a>'],
    ['a control character', '<a>\u0001</a>'],
    ['a comment in a comment', '<a><!-- -- --></a>'],
    ['another encoding', '<?xml version="1.0" encoding="utf-16"?><a/>'],
    ['a second declaration', '<a/><?xml version="1.0"?>'],
    ['too many elements in each other', `${'<a>'.repeat(xmlDepthMax + 1)}${'</a>'.repeat(xmlDepthMax + 1)}`],
    ['too many elements', `<a>${'<b/>'.repeat(xmlElementsMax)}</a>`],
    ['too many attributes', `<a ${Array.from({ length: xmlAttributesMax + 1 }, (_, index) => `a${index}=""`).join(' ')}/>`],
    ['a name without end', `<${'a'.repeat(300)}/>`],
  ])('is refused with %s', (_what, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'message-invalid' }));
  });

  it('is refused when it is not UTF-8', () => {
    expect(() => readXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]))).toThrow(expect.objectContaining({ code: 'message-invalid' }));
  });

  it('reads what was written of it as it was', () => {
    const document = read('<a xmlns="urn:&quot;a" xmlns:b="urn:b" b:k="&lt;&#9;&#13;" xml:lang="en">x&#13;]]&gt;<b:c/> y<d xmlns=""/></a>');
    expect(read(writeXml(document))).toEqual(document);
  });

  it(`is read or refused, whatever it is (seed ${testSeed})`, () => {
    const random = new SeededRandom(testSeed);
    const pieces = ['<', '>', '/', 'a', ':', 'x', ' ', '"', '=', '&', ';', '#', '1', '<![CDATA[', ']]>', '<!--', '-->', 'xmlns', '<?', '?>', '\0', 'é', '<a>', '</a>'];
    let readCount = 0;
    for (let round = 0; round < 5000; round++) {
      const text = Array.from({ length: random.below(20) }, () => random.pick(pieces)).join('');
      try {
        expect(read(`<a>${text}</a>`)).toMatchObject({ name: 'a' });
        readCount++;
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'message-invalid' });
      }
    }
    expect(readCount).toBeGreaterThan(100);
  });
});
